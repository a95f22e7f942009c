"""What mysqldump and mariadb-dump write: scripts, and the folders of --tab."""
