"""Pictures: one function each, from arrays to a matplotlib `Figure`, and all those of a run as files.

Importing this takes as long as matplotlib does (about half a second): import it where a run has ended.
"""

from nnlab.plots.confusion import confusion_matrix as confusion_matrix
from nnlab.plots.curves import learning_curves as learning_curves
from nnlab.plots.images import most_confident_mistakes as most_confident_mistakes
from nnlab.plots.images import sample_grid as sample_grid
from nnlab.plots.images import worst_mistakes as worst_mistakes
from nnlab.plots.run_pictures import draw_all as draw_all
from nnlab.plots.run_pictures import draw_run as draw_run
from nnlab.plots.style import look as look
from nnlab.plots.style import new_figure as new_figure
from nnlab.plots.style import save as save
from nnlab.plots.weights import first_layer_weights as first_layer_weights
