from tracked import client, runs_dir, uri

__all__ = ["client", "runs_dir", "uri"]
