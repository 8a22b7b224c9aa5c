//! A control plane in a temporary folder, with one organization, and clients that talk to its router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use controlplane::bootstrap::{First, first_org};
use controlplane::{CallBoard, CookieMode, Deps, Metrics, Registry, SigningKeys, router};
use domain::key::{Key, KeyKind, KeyText, Pepper};
use domain::org::{Member, Org, Role};
use domain::time::FixedClock;
use domain::{Clock, KeyId, MemberId, OrgId, PersonId, Secret, Timestamp};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use notices::{Courier, Settings};
use policy::sealed::MasterKey;
use serde_json::{Value, json};
use store::{Author, Person, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) deps: Deps,
    pub(crate) clock: Arc<FixedClock>,
    /// Where nodes say hello.
    pub(crate) registry: Arc<Registry>,
    pub(crate) org: OrgId,
    /// The owner's management key.
    pub(crate) owner: String,
    pub(crate) api_key: String,
    /// Removed with the last world in it.
    folder: Arc<tempfile::TempDir>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The code of a refusal outside of GraphQL.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("weir.db").display());
        let clock = Arc::new(FixedClock::new(Timestamp::parse("2026-11-21T12:00:00Z").unwrap()));
        let store = Store::connect(&url, clock.now()).await.unwrap();
        let pepper = Pepper::new([7; 32]);
        let first = First {
            org_name: "Acme".to_owned(),
            email: EMAIL.to_owned(),
            owner_name: "Ada".to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
        };
        let made = first_org(&store, clock.as_ref(), &pepper, first, |_| Ok(())).await.unwrap().unwrap();
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let (time, patience) = (Arc::clone(&clock) as Arc<dyn Clock>, Duration::from_secs(5));
        let registry = Registry::new(store.clone(), Arc::clone(&time), metrics.clone(), patience);
        let registry = Arc::new(registry);
        let deps = Deps {
            store,
            clock: time,
            pepper,
            master_key: MasterKey::new([9; 32]),
            signing_keys: Arc::new(SigningKeys::new(&Secret::new([5; 32]), &[]).unwrap()),
            cookies: CookieMode::Loopback,
            committed: Arc::new(Notify::new()),
            tries: None,
            propagation: registry.clone(),
            calls: Arc::new(CallBoard::new()),
            courier: Arc::new(Courier::new(Settings::default()).unwrap()),
            metrics,
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        };
        Self {
            router: router(deps.clone()),
            deps,
            clock,
            registry,
            org: made.org,
            owner: made.management_key.expose().clone(),
            api_key: made.api_key.expose().clone(),
            folder: Arc::new(folder),
        }
    }

    /// Another organization in the same database, with an owner of its own, behind the same router.
    pub(crate) async fn neighbour(&self, name: &str) -> Self {
        let now = self.clock.now();
        let org = Org { id: OrgId::new(now, rand::random()), name: name.to_owned() };
        let email = format!("owner@{}.example", name.to_lowercase());
        let password_hash = "none".to_owned();
        let id = PersonId::new(now, rand::random());
        let person = Person { id, email, name: name.to_owned(), password_hash };
        let id = MemberId::new(now, rand::random());
        let owner = Member { id, org: org.id, person: person.id, role: Role::Owner, team: None };
        let text = KeyText::mint(KeyKind::Management, &rand::random());
        let key = Key {
            id: KeyId::new(now, rand::random()),
            org: org.id,
            team: None,
            member: Some(owner.id),
            name: "owner".to_owned(),
            kind: KeyKind::Management,
            public_id: text.public_id(),
            label: text.label(),
            hash: text.hash(&self.deps.pepper),
            previous: None,
            expires_at: None,
            revoked_at: None,
            requests_per_minute: None,
        };
        let mut tx = self.deps.store.create_org(&org, Author::system(), now).await.unwrap();
        tx.insert_person(&person).await.unwrap();
        tx.insert_member(&owner).await.unwrap();
        tx.insert_key(&key).await.unwrap();
        tx.commit().await.unwrap();
        Self {
            router: self.router.clone(),
            deps: self.deps.clone(),
            clock: Arc::clone(&self.clock),
            registry: Arc::clone(&self.registry),
            org: org.id,
            owner: text.expose().to_owned(),
            api_key: String::new(),
            folder: Arc::clone(&self.folder),
        }
    }

    /// Sends `request` from an address.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let peer: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Sends a GraphQL request in the name of whoever holds `bearer`.
    pub(crate) async fn graphql(&self, bearer: &str, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {bearer}"))
            .body(Body::from(body))
            .unwrap();
        self.send(request).await.json()
    }

    /// The data of a GraphQL request by the owner that must succeed.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self.graphql(&self.owner, query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// The id of a team that was made for the test.
    pub(crate) async fn team(&self, name: &str) -> String {
        let query = "mutation($i: CreateTeamInput!) { createTeam(input: $i) { team { id } } }";
        let input =
            json!({ "i": { "organizationId": self.org.to_string(), "name": name, "costCentre": "4711" } });
        self.ask(query, input).await["createTeam"]["team"]["id"].as_str().unwrap().to_owned()
    }

    /// A member of `role` (as GraphQL names it): the id and a management key.
    pub(crate) async fn member(&self, role: &str, team: Option<&str>) -> (String, String) {
        let query =
            "mutation($i: CreateMemberInput!) { createMember(input: $i) { member { id } initialPassword } }";
        let email = format!("{}@example.com", role.to_lowercase());
        let input = json!({ "i": {
            "organizationId": self.org.to_string(), "email": email, "name": role, "role": role, "teamId": team,
        } });
        let made = self.ask(query, input).await;
        let id = made["createMember"]["member"]["id"].as_str().unwrap().to_owned();
        let key = self.management_key(&id).await;
        (id, key)
    }

    /// A management key with the rights of `member`.
    pub(crate) async fn management_key(&self, member: &str) -> String {
        let query = "mutation($i: CreateKeyInput!) { createKey(input: $i) { secret } }";
        let input = json!({ "i": {
            "organizationId": self.org.to_string(), "name": "test", "kind": "MANAGEMENT", "memberId": member,
        } });
        self.ask(query, input).await["createKey"]["secret"].as_str().unwrap().to_owned()
    }
}

/// The code of a GraphQL answer's first error; empty without one.
pub(crate) fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}
