"""The services of docker-compose.yaml as plain processes of this machine: the same commands, the same environment."""
