//! What answers when a handler does not.

use std::{future::pending, time::Duration};

use actix_web::{
    App, HttpResponse, body,
    http::{Method, StatusCode},
    middleware::from_fn,
    test,
    web::{self, Data},
};
use clap::Parser;
use provost::{
    config::Config,
    http::request::{REQUEST_ID, track},
};
use serde_json::Value;

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

async fn answer(handler: impl actix_web::Handler<(), Output = HttpResponse>) -> (StatusCode, Value) {
    let mut config = Defaults::parse_from(["provost"]).config;
    config.request_timeout = Duration::from_millis(10);
    let app = App::new()
        .app_data(Data::new(config))
        .route("/", web::method(Method::GET).to(handler))
        .wrap(from_fn(track));
    let app = test::init_service(app).await;
    let request = test::TestRequest::get()
        .uri("/")
        .insert_header((REQUEST_ID, "of-the-test"));
    let response = match test::try_call_service(&app, request.to_request()).await {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let status = response.status();
    let body = body::to_bytes(response.into_body()).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[actix_web::test]
async fn a_panic_in_a_handler_is_a_500_problem() {
    async fn panicking() -> HttpResponse {
        panic!("a secret cause")
    }
    let (status, body) = answer(panicking).await;
    assert_eq!(
        (status.as_u16(), &body["code"], &body["request_id"]),
        (500, &"internal".into(), &"of-the-test".into())
    );
    assert!(!body.to_string().contains("secret"));
}

#[actix_web::test]
async fn a_request_that_takes_too_long_is_a_503_problem() {
    let (status, body) = answer(pending::<HttpResponse>).await;
    assert_eq!((status.as_u16(), &body["code"]), (503, &"unavailable".into()));
}
