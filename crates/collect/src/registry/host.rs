//! How is a registry reached, and who are we there?

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use image_trust_host::{Credentials, Route, Sources};
use oci_client::{
    Reference, RegistryOperation,
    client::{CertificateEncoding, ClientConfig},
    secrets::RegistryAuth,
};
use reqwest::{NoProxy, Proxy, redirect};

use super::{Repository, error::Cause};

/// The longest time for making a connection, and the longest silence on it.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);

/// A registry by the route that works.
pub(super) struct Host {
    /// The address of the registry, as in `https://host:port`.
    pub(super) base: String,
    /// A client that follows redirects, because blobs often lie on another host.
    pub(super) roaming: reqwest::Client,
    /// A client that follows redirects on the same host only.
    pub(super) staying: reqwest::Client,
    oci: oci_client::Client,
    auth: RegistryAuth,
    logins: RefCell<BTreeMap<(String, RegistryOperation), Login>>,
}

/// The credentials in a request.
#[derive(Clone, Debug)]
pub(super) enum Login {
    Token(String),
    Password(String, String),
}

impl Host {
    /// Tries the routes that the sources allow, as the policy server does.
    pub(super) async fn find(at: &Repository, sources: &Sources, credentials: &Credentials) -> Result<Host, Cause> {
        let (earlier, last) = Route::all(sources, &at.registry);
        let auth = credentials.of(&at.registry);
        for route in earlier {
            let host = Host::by(*route, at, sources, auth.clone())?;
            if host.answers().await.is_ok() {
                return Ok(host);
            }
        }
        Host::by(last, at, sources, auth)
    }

    fn by(route: Route, at: &Repository, sources: &Sources, auth: RegistryAuth) -> Result<Host, Cause> {
        let config = route.config(sources, &at.registry);
        // Docker Hub is called one thing and is another.
        let name = at.reference().resolve_registry().to_owned();
        let scheme = if route == Route::Plain { "http" } else { "https" };
        Ok(Host {
            base: format!("{scheme}://{name}"),
            roaming: client(&config, redirect::Policy::default()).map_err(|error| Cause::of(&error))?,
            staying: client(&config, same_host()).map_err(|error| Cause::of(&error))?,
            oci: oci_client::Client::new(config),
            auth,
            logins: RefCell::default(),
        })
    }

    /// Whether anything answers. The answer itself does not matter.
    async fn answers(&self) -> Result<(), reqwest::Error> {
        self.staying.get(format!("{}/v2/", self.base)).send().await.map(|_| ())
    }

    /// The credentials for requests of this kind, once the registry has asked for them.
    pub(super) fn login(&self, at: &Repository, operation: RegistryOperation) -> Option<Login> {
        self.logins.borrow().get(&(at.name.clone(), operation)).cloned()
    }

    /// Logs in, after the registry asked for it.
    pub(super) async fn log_in(&self, at: &Repository, operation: RegistryOperation) -> Result<Option<Login>, Cause> {
        let token = self.oci.auth(&at.reference(), &self.auth, operation).await;
        let login = match (token, &self.auth) {
            (Ok(Some(token)), _) => Some(Login::Token(token)),
            (Ok(None), RegistryAuth::Basic(user, password)) => Some(Login::Password(user.clone(), password.clone())),
            (Ok(None), _) => None,
            (Err(error), _) => return Err(Cause::Login { words: error.to_string(), user: self.user() }),
        };
        if let Some(login) = &login {
            self.logins.borrow_mut().insert((at.name.clone(), operation), login.clone());
        }
        Ok(login)
    }

    /// The user name in the credentials, if there are any.
    pub(super) fn user(&self) -> Option<String> {
        match &self.auth {
            RegistryAuth::Basic(user, _) => Some(user.clone()),
            RegistryAuth::Anonymous | RegistryAuth::Bearer(_) => None,
        }
    }
}

impl Repository {
    /// The repository in the form of oci-client. Tokens are for repositories, so the tag does not matter.
    fn reference(&self) -> Reference {
        Reference::with_tag(self.registry.clone(), self.name.clone(), "latest".to_owned())
    }
}

/// A client that reaches registries as oci-client does with the same configuration.
fn client(config: &ClientConfig, redirects: redirect::Policy) -> reqwest::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(config.accept_invalid_certificates)
        .redirect(redirects)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .user_agent(concat!("image-trust/", env!("CARGO_PKG_VERSION")));
    let certificates = config.extra_root_certificates.iter().map(|certificate| match certificate.encoding {
        CertificateEncoding::Der => reqwest::Certificate::from_der(&certificate.data),
        CertificateEncoding::Pem => reqwest::Certificate::from_pem(&certificate.data),
    });
    builder = builder.tls_certs_merge(certificates.collect::<reqwest::Result<Vec<_>>>()?);
    let no_proxy = || config.no_proxy.as_deref().and_then(NoProxy::from_string);
    if let Some(proxy) = &config.https_proxy {
        builder = builder.proxy(Proxy::https(proxy)?.no_proxy(no_proxy()));
    }
    if let Some(proxy) = &config.http_proxy {
        builder = builder.proxy(Proxy::http(proxy)?.no_proxy(no_proxy()));
    }
    builder.build()
}

/// Redirects that lead to the same host, ten at most.
fn same_host() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let is_same = attempt.previous().last().is_some_and(|last| last.host_str() == attempt.url().host_str());
        if is_same && attempt.previous().len() < 10 { attempt.follow() } else { attempt.stop() }
    })
}
