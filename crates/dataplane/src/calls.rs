//! What the control plane wants asked of a provider, because only nodes reach providers: does a credential work?
//!
//! Invariant: a secret is opened here for one request and leaves in its header only; of an answer only status and the
//! names of models are told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Holder;
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use policy::SnapshotCell;
use policy::feed::{Call, CallOutcome, Calls};
use policy::record::Credential;
use policy::sealed::{self, MasterKey};
use providers::{Outgoing, Target};
use tokio_util::sync::CancellationToken;

use crate::outage::Outage;
use crate::upstream::{SentMark, Upstream};

const PATIENCE: Duration = Duration::from_secs(15);
const MAX_ANSWER: usize = 4 * 1024 * 1024;
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What answering calls needs.
pub struct CallTask {
    /// Where calls come from.
    pub calls: Arc<dyn Calls>,
    /// Who answers.
    pub holder: Holder,
    /// Has credentials and providers.
    pub cell: Arc<SnapshotCell>,
    /// What provider secrets are sealed with.
    pub master: MasterKey,
    /// The way to providers.
    pub upstream: Upstream,
}

impl CallTask {
    /// Answers calls until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let outage = Outage::of("calls of the control plane");
        let mut done = Vec::new();
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = self.calls.next(self.holder, done.clone()) => next,
            };
            match next {
                Ok(calls) => {
                    outage.over();
                    done.clear();
                    for call in calls {
                        done.push(self.answer(&call).await);
                    }
                }
                Err(error) => {
                    outage.failed(&error);
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(AFTER_FAILURE) => {}
                    }
                }
            }
        }
    }

    async fn answer(&self, call: &Call) -> CallOutcome {
        let none = CallOutcome { id: call.id, status: None, models: Vec::new(), problem: None };
        match self.ask(call).await {
            Ok((status, Some(models))) => CallOutcome { status: Some(status), models, ..none },
            Ok((status, None)) => {
                let problem = Some("the answer is no list of models".to_owned());
                CallOutcome { status: Some(status), problem, ..none }
            }
            Err(problem) => CallOutcome { problem: Some(problem), ..none },
        }
    }

    /// The provider's status, and its models where it named them.
    async fn ask(&self, call: &Call) -> Result<(u16, Option<Vec<String>>), String> {
        let request = self.request(call)?;
        let sent = SentMark::default();
        let response =
            self.upstream.send(request, PATIENCE, &sent).await.map_err(|error| error.to_string())?;
        let status = response.status;
        let reading = Limited::new(response.body, MAX_ANSWER).collect();
        let body = tokio::time::timeout(PATIENCE, reading).await;
        let body = body.map_err(|_| "the answer did not end in time".to_owned())?;
        let body = body.map_err(|_| "the answer broke off, or is too large".to_owned())?.to_bytes();
        let models = if status.is_success() { providers::model_names(&body) } else { Some(Vec::new()) };
        Ok((status.as_u16(), models))
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, String> {
        let held = self.cell.load().ok_or("this node has no policy yet")?;
        let mine = |credential: &&Credential| credential.id == call.credential;
        let platform = held.platform().records();
        let credential = match call.org {
            None => platform.credentials.iter().find(mine),
            Some(org) => held.org(org).and_then(|org| org.own_credential(call.credential)).map(AsRef::as_ref),
        };
        let credential = credential.ok_or("this node does not know the credential")?;
        let provider = platform.providers.iter().find(|provider| provider.slug == credential.provider);
        let provider = provider.ok_or("this node does not know the provider")?;
        let secret = sealed::open_credential(&self.master, credential).map_err(|error| error.to_string())?;
        let event_id = call.id.to_string();
        let target = Target {
            base_url: &provider.base_url,
            upstream_model: "",
            credential: secret.expose(),
            event_id: &event_id,
            output_cap: None,
        };
        let outgoing =
            providers::models_request(provider.dialect, &target).map_err(|error| error.to_string())?;
        let Outgoing { method, url, headers, body } = outgoing;
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .body(Full::new(body))
            .map_err(|_| "the provider's base URL is not a URL".to_owned())?;
        *request.headers_mut() = headers;
        Ok(request)
    }
}
