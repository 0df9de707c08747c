//! The servers that tests get are real, and apart from each other.

use latchkey_test_support::{own_postgres, postgres, redis};
use sqlx::Connection as _;

#[tokio::test]
async fn every_call_gives_an_empty_database() {
    let (one, two) = (postgres().await, postgres().await);
    assert_ne!(one, two);
    let mut connection = sqlx::PgConnection::connect(&one).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (x TEXT)").execute(&mut connection).await.unwrap();
    let mut connection = sqlx::PgConnection::connect(&two).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (x TEXT)").execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn redis_answers() {
    let url = redis().await;
    assert!(std::net::TcpStream::connect(url.trim_start_matches("redis://")).is_ok());
}

#[tokio::test]
async fn a_killed_postgres_comes_back_on_its_port() {
    let (mut server, _folder) = own_postgres();
    let url = server.url("postgres");
    server.kill();
    assert!(sqlx::PgConnection::connect(&url).await.is_err());
    server.restart().unwrap();
    assert!(sqlx::PgConnection::connect(&url).await.is_ok());
}
