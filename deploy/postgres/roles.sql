-- The database and its roles, once, as a superuser:
--   WEIR_OWNER_PASSWORD=… WEIR_APP_PASSWORD=… psql -X -v ON_ERROR_STOP=1 -f deploy/postgres/roles.sql
-- `weir migrate` gives weir_app its rights to the tables and puts row-level security behind them.
\getenv owner_password WEIR_OWNER_PASSWORD
\getenv app_password WEIR_APP_PASSWORD

-- Owns the schema. Only `weir migrate` is this role.
CREATE ROLE weir_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
-- The control planes: owns nothing, changes no schema, sees the rows of the organization it names.
CREATE ROLE weir_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'app_password';

CREATE DATABASE weir OWNER weir_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE weir FROM PUBLIC;
-- So that a control plane that starts before `weir migrate` waits for it, instead of being turned away.
GRANT CONNECT ON DATABASE weir TO weir_app;
\connect weir
-- Postgres 14 and older let everybody make tables here.
ALTER SCHEMA public OWNER TO weir_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
