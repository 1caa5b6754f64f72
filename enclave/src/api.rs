//! The HTTP API: a table of routes, who may call each, and the handlers behind them.
//!
//! ```text
//! Call ─ route ─► method ─► caller (principal) ─► handler ─► Reply | Problem
//! ```
//!
//! Shapes follow `contract.json`; `docs/api.md` says where Shroud refuses what the vendor allows.

pub(crate) mod agents;
pub(crate) mod attestation;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod call;
pub(crate) mod chains;
pub(crate) mod health;
pub(crate) mod problem;
pub(crate) mod reply;
pub(crate) mod secrets;
pub(crate) mod signing_keys;
pub(crate) mod transactions;
pub(crate) mod vaults;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use matchit::Router;

pub(crate) use call::Call;
pub(crate) use reply::Reply;

use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::principal::Principal;

/// What a handler gives.
pub(crate) type Outcome<'a> = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'a>>;
type Handler = for<'a> fn(&'a Enclave<Unsealed>, &'a Request) -> Outcome<'a>;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Any valid credential.
    Anyone,
    /// The person alone.
    Human,
}

/// A call that was routed, with its caller.
pub(crate) struct Request {
    /// The call.
    pub(crate) call: Call,
    /// Who calls; `None` on public routes.
    pub(crate) principal: Option<Principal>,
    parameters: HashMap<String, String>,
}

impl Request {
    /// A path parameter, percent-decoded.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// The caller of a route that is not public.
    pub(crate) fn principal(&self) -> Result<&Principal, Problem> {
        self.principal.as_ref().ok_or_else(|| Problem::unauthorized("a credential is required"))
    }
}

struct Route {
    access: Access,
    handler: Handler,
}

/// One line of the table.
pub(crate) type Line = (Method, &'static str, Access, Handler);

macro_rules! route {
    ($method:ident $path:literal $access:ident $handler:path) => {
        (hyper::Method::$method, $path, $crate::api::Access::$access, {
            fn call<'a>(
                enclave: &'a $crate::enclave::Enclave<$crate::enclave::Unsealed>,
                request: &'a $crate::api::Request,
            ) -> $crate::api::Outcome<'a> {
                Box::pin($handler(enclave, request))
            }
            call
        })
    };
}
pub(crate) use route;

/// The API over an unsealed enclave.
pub(crate) struct Api {
    enclave: Arc<Enclave<Unsealed>>,
    router: Router<Vec<(Method, Route)>>,
}

impl Api {
    /// The table of every module, as one router.
    ///
    /// # Errors
    /// A path that is in the table twice in different forms.
    pub(crate) fn new(enclave: Arc<Enclave<Unsealed>>) -> Result<Self, matchit::InsertError> {
        let tables: [&[Line]; 11] = [
            &health::ROUTES,
            &auth::ROUTES,
            &agents::ROUTES,
            &agents::change::ROUTES,
            &signing_keys::ROUTES,
            &vaults::ROUTES,
            &secrets::ROUTES,
            &transactions::ROUTES,
            &chains::ROUTES,
            &audit::ROUTES,
            &attestation::ROUTES,
        ];
        let mut paths: Vec<(&'static str, Vec<(Method, Route)>)> = Vec::new();
        for (method, path, access, handler) in tables.into_iter().flatten() {
            let route = (method.clone(), Route { access: *access, handler: *handler });
            match paths.iter_mut().find(|(known, _)| known == path) {
                Some((_, routes)) => routes.push(route),
                None => paths.push((path, vec![route])),
            }
        }
        let mut router = Router::new();
        for (path, routes) in paths {
            router.insert(path, routes)?;
        }
        Ok(Self { enclave, router })
    }

    /// Answers one call.
    ///
    /// # Errors
    /// The problem to show.
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Problem> {
        let (route, parameters) = self.route(&call)?;
        let principal = match route.access {
            Access::Public => None,
            Access::Anyone => Some(self.enclave.caller(&call).await?),
            Access::Human => Some(human(self.enclave.caller(&call).await?)?),
        };
        let request = Request { call, principal, parameters };
        let reply = (route.handler)(&self.enclave, &request).await?;
        if reply.waits() {
            self.enclave.settled().await?;
        }
        Ok(reply)
    }

    fn route(&self, call: &Call) -> Result<(&Route, HashMap<String, String>), Problem> {
        let matched = self
            .router
            .at(call.path())
            .map_err(|_| Problem::not_found(format!("there is no resource at {}", call.path())))?;
        let Some((_, route)) = matched.value.iter().find(|(method, _)| method == call.method()) else {
            let allowed: Vec<&str> = matched.value.iter().map(|(method, _)| method.as_str()).collect();
            let detail = format!(
                "{} is not a method of this resource, expected {}",
                call.method(),
                allowed.join(" or ")
            );
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
            return Err(Problem { allow: Some(allowed.join(", ")), ..problem });
        };
        let decoded =
            matched.params.iter().map(|(name, value)| Ok((name.to_owned(), call::percent_decode(value)?)));
        Ok((route, decoded.collect::<Result<_, Problem>>()?))
    }
}

fn human(principal: Principal) -> Result<Principal, Problem> {
    match principal {
        Principal::Human(_) => Ok(principal),
        Principal::Agent(_) => {
            Err(Problem::forbidden("agents may not do this; a person's credential is required"))
        }
    }
}
