"""Keeping the installation sound: revisions, rebuilds, freshness, alerts, retention, and the doctor."""
