"""The common code of several test files; nothing here is a test."""
