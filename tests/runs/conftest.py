from tracked import clean_environment, client, runs_dir, start, uri

__all__ = ["clean_environment", "client", "runs_dir", "start", "uri"]
