-- A role for pg_dump, once, as a superuser, in the database `weir`:
--   WEIR_BACKUP_PASSWORD=… psql -X -v ON_ERROR_STOP=1 -d weir -f deploy/postgres/backup.sql
-- Row-level security is forced for the owner too, so that neither weir_owner nor weir_app can dump the tables.
\getenv backup_password WEIR_BACKUP_PASSWORD
CREATE ROLE weir_backup LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS PASSWORD :'backup_password';
GRANT CONNECT ON DATABASE weir TO weir_backup;
GRANT pg_read_all_data TO weir_backup;
