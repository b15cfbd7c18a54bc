//! How is one request sent, and sent again?

use std::{rc::Rc, time::Duration};

use oci_client::RegistryOperation;
use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
};

use super::{
    Client, Repository,
    error::{Cause, Error},
    header,
    host::{Host, Login},
};

/// The longest body of an error that is read, in bytes.
const MAX_WORDS: usize = 4_096;

/// The hosts to which redirects may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirects {
    Anywhere,
    SameHost,
}

/// One request to a registry.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    at: &'a Repository,
    method: Method,
    /// A path below the repository, or a whole address.
    path: String,
    operation: RegistryOperation,
    accept: Option<&'static str>,
    redirects: Redirects,
    body: Option<(&'a [u8], &'static str)>,
    /// The name of the requested thing, for errors.
    what: String,
}

impl<'a> Ask<'a> {
    /// A request that reads something, which errors call `what` and `name`.
    pub(super) fn get(at: &'a Repository, path: String, what: &str, name: &str) -> Ask<'a> {
        Ask {
            at,
            method: Method::GET,
            path,
            operation: RegistryOperation::Pull,
            accept: None,
            redirects: Redirects::Anywhere,
            body: None,
            what: format!("{what} {name}"),
        }
    }

    /// A request that stores something.
    pub(super) fn push(at: &'a Repository, method: Method, path: String, what: &str, name: &str) -> Ask<'a> {
        Ask { method, operation: RegistryOperation::Push, ..Ask::get(at, path, what, name) }
    }

    pub(super) fn with(self, method: Method) -> Self {
        Ask { method, ..self }
    }

    pub(super) fn to(self, path: String) -> Self {
        Ask { path, ..self }
    }

    pub(super) fn accept(self, accept: &'static str) -> Self {
        Ask { accept: Some(accept), ..self }
    }

    pub(super) fn stay(self) -> Self {
        Ask { redirects: Redirects::SameHost, ..self }
    }

    pub(super) fn body(self, bytes: &'a [u8], media_type: &'static str) -> Self {
        Ask { body: Some((bytes, media_type)), ..self }
    }

    pub(super) fn repository(&self) -> &Repository {
        self.at
    }

    pub(super) fn failed(&self, cause: Cause) -> Error {
        let is_push = self.operation == RegistryOperation::Push;
        Error {
            what: self.what.clone(),
            at: self.at.clone(),
            is_push,
            size: self.body.map(|(body, _)| body.len()),
            cause,
        }
    }

    async fn once(&self, host: &Host, login: Option<Login>) -> reqwest::Result<Response> {
        let client = if self.redirects == Redirects::SameHost { &host.staying } else { &host.roaming };
        let is_address = self.path.contains("://");
        let url = match is_address {
            true => self.path.clone(),
            false => format!("{}/v2/{}/{}", host.base, self.at.name, self.path),
        };
        // An upload may lead to another host, where our password is nobody's business.
        let is_ours = !is_address || url.starts_with(&format!("{}/", host.base));
        let mut request = client.request(self.method.clone(), url);
        request = match login.filter(|_| is_ours) {
            Some(Login::Token(token)) => request.bearer_auth(token),
            Some(Login::Password(user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        if let Some(accept) = self.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some((bytes, media_type)) = self.body {
            request = request.header(CONTENT_TYPE, media_type).body(bytes.to_vec());
        }
        request.send().await
    }
}

impl Client {
    /// Sends a request until it is answered: again after a login, and again a little later if the registry is overloaded.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Response, Error> {
        let host = self.host(ask.at).await.map_err(|cause| ask.failed(cause))?;
        let mut login = host.login(ask.at, ask.operation);
        let mut has_logged_in = false;
        let mut wait = self.patience.first;
        let mut again = self.patience.again;
        loop {
            let response = ask.once(&host, login.clone()).await.map_err(|error| ask.failed(Cause::of(&error)))?;
            match response.status() {
                StatusCode::UNAUTHORIZED if !has_logged_in => {
                    has_logged_in = true;
                    login = host.log_in(ask.at, ask.operation).await.map_err(|cause| ask.failed(cause))?;
                    if login.is_none() {
                        return Ok(response);
                    }
                }
                StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
                    if again > 0 =>
                {
                    let wanted = header(&response, RETRY_AFTER).parse().map(Duration::from_secs).unwrap_or(wait);
                    if wanted > self.patience.longest {
                        return Ok(response);
                    }
                    tracing::info!(status = %response.status(), ?wanted, what = ask.what, "the registry is overloaded; asking again");
                    tokio::time::sleep(wanted).await;
                    again -= 1;
                    wait = (wait * 2).min(self.patience.longest);
                }
                _ => return Ok(response),
            }
        }
    }

    /// The registry of this repository, by the route that works.
    async fn host(&self, at: &Repository) -> Result<Rc<Host>, Cause> {
        let known = self.hosts.borrow().get(&at.registry).cloned();
        if let Some(host) = known {
            return Ok(host);
        }
        let host = Rc::new(Host::find(at, &self.sources, &self.credentials).await?);
        self.hosts.borrow_mut().insert(at.registry.clone(), Rc::clone(&host));
        Ok(host)
    }

    /// The response, if its status is a success; the registry's error, if not.
    pub(super) async fn good(&self, ask: &Ask<'_>, mut response: Response) -> Result<Response, Error> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let mut words = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            words.extend_from_slice(&chunk);
            if words.len() >= MAX_WORDS {
                words.truncate(MAX_WORDS);
                break;
            }
        }
        let user = match self.hosts.borrow().get(&ask.at.registry) {
            Some(host) => host.user(),
            None => None,
        };
        Err(ask.failed(Cause::refused(status.as_u16(), &words, user)))
    }

    /// The whole body, which may have up to `most` bytes.
    pub(super) async fn body(&self, ask: &Ask<'_>, mut response: Response, most: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| ask.failed(Cause::of(&error)))? {
            if bytes.len() + chunk.len() > most {
                return Err(ask.failed(Cause::TooLong(most)));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
