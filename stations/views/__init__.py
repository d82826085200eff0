"""Pages of this room alone: quarantine, configuration, import, QR sheets, maintenance."""
