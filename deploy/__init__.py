"""What `pbxapi deploy-files` writes out: for nginx, Apache, systemd, sudo and logrotate."""
