"""The configuration: what can be said (`schema`), composed, parsed and checked, and what is built from it (`build`)."""
