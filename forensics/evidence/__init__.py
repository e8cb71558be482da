"""From a file on disk to streams with locators. Opens read-only; knows nothing of pictures or lists."""
