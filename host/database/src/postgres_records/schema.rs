//! The tables, made by whoever connects first.

use sqlx::PgPool;

use crate::records::RecordsError;

/// The layout of tables that this program reads and writes.
const FORMAT: i32 = 1;
/// The advisory lock under which the tables are made.
const CREATION_LOCK: i64 = 0x476c_6f76_6562_6f78;

/// `fillfactor` leaves room for updates in place: many records change often.
const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS glovebox;
CREATE TABLE glovebox.format (format integer PRIMARY KEY);
CREATE TABLE glovebox.records (
    key     bytea  PRIMARY KEY,
    value   bytea  NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 85);
CREATE SEQUENCE glovebox.versions AS bigint;
";

/// Makes the tables if there are none, and refuses those of another format.
pub(super) async fn prepare(pool: &PgPool) -> Result<(), RecordsError> {
    let mut transaction = pool.begin().await.map_err(RecordsError::engine)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(CREATION_LOCK)
        .execute(&mut *transaction)
        .await
        .map_err(RecordsError::engine)?;
    let (exists,): (bool,) = sqlx::query_as("SELECT to_regclass('glovebox.format') IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await
        .map_err(RecordsError::engine)?;
    if !exists {
        sqlx::raw_sql(TABLES).execute(&mut *transaction).await.map_err(|error| {
            RecordsError::Unusable(format!(
                "the schema `glovebox` cannot be made in PostgreSQL: {error}; give the user of the \
                 database setting the right to create a schema, or make it the owner of the database",
            ))
        })?;
        sqlx::query("INSERT INTO glovebox.format VALUES ($1)")
            .bind(FORMAT)
            .execute(&mut *transaction)
            .await
            .map_err(RecordsError::engine)?;
    }
    let found: Option<(i32,)> = sqlx::query_as("SELECT format FROM glovebox.format")
        .fetch_optional(&mut *transaction)
        .await
        .map_err(RecordsError::engine)?;
    match found {
        Some((FORMAT,)) => transaction.commit().await.map_err(RecordsError::engine),
        Some((format,)) => Err(RecordsError::Unusable(format!(
            "the schema `glovebox` in PostgreSQL has format {format}, this program reads format \
             {FORMAT}; run the version of Glovebox that wrote it, or name another database",
        ))),
        None => Err(RecordsError::Unusable(
            "the schema `glovebox` in PostgreSQL does not say its format; restore it from a backup"
                .to_owned(),
        )),
    }
}
