"""From a file on the laboratory's disk to streams with locators. Opens read-only; knows nothing of pictures or lists."""
