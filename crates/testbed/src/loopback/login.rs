//! Who may ask?

use axum::extract::Query;
use axum::http::{HeaderValue, Method, StatusCode, header, request::Parts};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_spec::distribution::ErrorCode;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Habits, json_body, refusal};
use super::route::Route;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// A password in every request (RFC 7617).
    Basic,
    /// A token for one repository, which a token server issues for a password (distribution, "Token Authentication").
    Token,
}

/// A user whom the registry knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's name.
    pub user: &'static str,
    /// The user's password.
    pub password: &'static str,
    /// Whether the user may push.
    pub may_push: bool,
}

/// The path of the token server.
const TOKENS: &str = "/token";

#[derive(Default, Deserialize)]
struct Asked {
    scope: Option<String>,
}

/// The answer to a login, or to a request that its user may not make.
pub(super) fn answer(habits: &Habits, parts: &Parts, route: &Route<'_>) -> Option<Response> {
    let (login, accounts) = habits.login.as_ref()?;
    let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = authorization.and_then(|value| value.strip_prefix("Basic "));
    let account = basic.and_then(|basic| accounts.iter().find(|account| account.basic() == basic));
    let is_write = ![Method::GET, Method::HEAD].contains(&parts.method);
    match login {
        Login::Token if parts.uri.path() == TOKENS => Some(token(parts, account)),
        Login::Basic => match account {
            None => Some(challenge("Basic realm=\"loopback\"")),
            Some(account) if is_write && !account.may_push => Some(denied()),
            Some(_) => None,
        },
        Login::Token => {
            let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
            let allows = |actions: &str| {
                token.is_some_and(|token| route.repository().is_none_or(|name| token == named(name, actions)))
            };
            let may = allows("pull,push") || (!is_write && allows("pull"));
            (!may).then(|| wants_token(parts))
        }
    }
}

impl Account {
    fn basic(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

/// The token for these actions. It is not a secret.
fn named(repository: &str, actions: &str) -> String {
    STANDARD.encode(format!("repository:{repository}:{actions}"))
}

/// The answer of the token server: a token for the requested actions that the account may do.
fn token(parts: &Parts, account: Option<&Account>) -> Response {
    let Some(account) = account else {
        return refusal(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, "incorrect username or password");
    };
    let asked = Query::<Asked>::try_from_uri(&parts.uri).map_or_else(|_| Asked::default(), |Query(asked)| asked);
    let scope = asked.scope.unwrap_or_default();
    let allowed = if account.may_push { scope } else { scope.replace(",push", "") };
    json_body(json!({"token": STANDARD.encode(allowed)}))
}

fn wants_token(parts: &Parts) -> Response {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    challenge(&format!("Bearer realm=\"http://{host}{TOKENS}\",service=\"loopback\""))
}

fn challenge(challenge: &str) -> Response {
    let mut response = refusal(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, "authentication required");
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn denied() -> Response {
    refusal(StatusCode::FORBIDDEN, ErrorCode::Denied, "requested access to the resource is denied")
}
