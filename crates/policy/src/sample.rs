//! A small platform and organization to test with (feature `test-util`).
//!
//! Invariant: everything is fixed, ids included; a test that needs something else changes the records before it builds
//! the snapshot.

use domain::key::{Key, KeyHash, KeyKind, KeyText, Pepper};
use domain::limit::{Budget, BudgetFilter, Enforcement, Thresholds, Window};
use domain::model::{DataPolicy, Dialect, Endpoint, Model, ModelKind, Provider, Retention};
use domain::org::{Member, Org, Role, Team};
use domain::price::{PriceVersion, UnitPrices};
use domain::{
    Amount, BudgetId, BudgetScope, CredentialId, EndpointId, KeyId, MemberId, OrgId, PersonId, Pico,
    PolicyId, PriceVersionId, TeamId, Timestamp, TokenClass,
};

use crate::record::{Credential, Layer, OrgObject, OrgRecords, PlatformRecords, Policy, Rules, Sealed};

/// A moment at which everything here is valid: 2026-11-21T00:00:00Z.
pub const NOW: Timestamp = Timestamp::from_micros(1_795_219_200_000_000);

/// The pepper of every key here.
#[must_use]
pub fn pepper() -> Pepper {
    Pepper::new([7; 32])
}

/// The organization's id.
#[must_use]
pub fn org_id() -> OrgId {
    OrgId::from_bits(1)
}

/// The text of inference key number `number`; the organization holds number 1.
#[must_use]
pub fn key_text(number: u8) -> KeyText {
    KeyText::mint(KeyKind::Inference, &[number; 32])
}

/// Inference key number `number` of organization `org`, of no team and no member.
#[must_use]
pub fn key(number: u8, org: OrgId) -> Key {
    let text = key_text(number);
    key_with_hash(KeyId::from_bits(number.into()), org, text.hash(&pepper()))
}

/// A key that is looked up by `hash`.
#[must_use]
pub fn key_with_hash(id: KeyId, org: OrgId, hash: KeyHash) -> Key {
    Key {
        id,
        org,
        team: None,
        member: None,
        name: "key".to_owned(),
        kind: KeyKind::Inference,
        public_id: String::new(),
        label: "sk-weir-…".to_owned(),
        hash,
        previous: None,
        expires_at: None,
        revoked_at: None,
        requests_per_minute: None,
    }
}

/// The team of the organization's key.
#[must_use]
pub fn team() -> Team {
    let cost_centre = Some("cc-1".to_owned());
    Team { id: TeamId::from_bits(1), org: org_id(), name: "team".to_owned(), cost_centre }
}

/// The member of the organization's key.
#[must_use]
pub fn member() -> Member {
    let person = PersonId::from_bits(1);
    Member { id: MemberId::from_bits(1), org: org_id(), person, role: Role::Member, team: None }
}

/// An organization at revision 1 with one team, one member and key number 1, which is of both.
#[must_use]
pub fn org() -> OrgRecords {
    let own = Org { id: org_id(), name: "org".to_owned() };
    let key = Key { team: Some(team().id), member: Some(member().id), ..key(1, org_id()) };
    let objects =
        vec![OrgObject::Org(own), OrgObject::Team(team()), OrgObject::Member(member()), OrgObject::Key(key)];
    OrgRecords { epoch: 1, org: org_id(), revision: 1, objects }
}

/// A policy of `layer`, named after it.
#[must_use]
pub fn policy(number: u128, layer: Layer, rules: Rules) -> Policy {
    Policy { id: PolicyId::from_bits(number), layer, name: layer.name().to_owned(), rules }
}

/// A monthly budget of the organization, of `usd` US dollars.
#[must_use]
pub fn budget(number: u128, scope: BudgetScope, usd: i32) -> Budget {
    let limit = Amount::from_pico(i128::from(usd) * 1_000_000_000_000);
    let name = scope.name().to_owned();
    Budget {
        id: BudgetId::from_bits(number),
        org: org_id(),
        name,
        scope,
        limit,
        window: Window::MONTH,
        enforcement: Enforcement::Hard,
        filter: BudgetFilter::default(),
        thresholds: Thresholds::default(),
    }
}

/// A credential whose sealed secret is a placeholder.
#[must_use]
pub fn credential(number: u128, org: Option<OrgId>, provider: &str) -> Credential {
    Credential {
        id: CredentialId::from_bits(number),
        org,
        provider: provider.to_owned(),
        label: format!("{provider} …"),
        version: 1,
        sealed: Sealed(vec![0; 28]),
    }
}

/// A provider that speaks OpenAI's wire at `https://<slug>.example/v1`.
#[must_use]
pub fn provider(slug: &str) -> Provider {
    let base_url = format!("https://{slug}.example/v1");
    Provider { slug: slug.to_owned(), name: slug.to_ascii_uppercase(), dialect: Dialect::OpenAi, base_url }
}

/// A model with a context of 128,000 tokens.
#[must_use]
pub fn model(slug: &str, kind: ModelKind) -> Model {
    Model { slug: slug.to_owned(), name: slug.to_owned(), kind, context_length: 128_000, created: NOW }
}

/// Prices from ever on: so many pico-USD per input token, and as many per output token.
#[must_use]
pub fn price(number: u128, pico: i64) -> PriceVersion {
    let unit = UnitPrices::default()
        .with(TokenClass::Input, Some(Pico::new(pico)))
        .with(TokenClass::Output, Some(Pico::new(pico)));
    let effective_from = Timestamp::from_micros(0);
    PriceVersion { id: PriceVersionId::from_bits(number), effective_from, unit, tiers: Vec::new() }
}

/// An endpoint that retains nothing, with evidence, and never trains.
#[must_use]
pub fn endpoint(number: u128, model: &str, provider: &str, pico: i64) -> Endpoint {
    let evidence_url = format!("https://{provider}.example/privacy");
    Endpoint {
        id: EndpointId::from_bits(number),
        model: model.to_owned(),
        provider: provider.to_owned(),
        upstream_model: model.to_owned(),
        max_output_tokens: 16_000,
        data_policy: DataPolicy {
            retention: Retention::Zero { evidence_url, checked_at: NOW },
            trains: Some(false),
        },
        prices: vec![price(number, pico)],
    }
}

/// A platform at revision 1, without policies:
///
/// | model | at | price | retention | trains |
/// |---|---|---|---|---|
/// | `openai/gpt` | `openai` | 100 | retained | no |
/// | | `azure` | 200 | zero | no |
/// | `anthropic/claude` | `anthropic` | 300 | unknown | unknown |
/// | | `vertex/eu` | 300 | zero | no |
/// | `openai/embed` (embeddings) | `openai` | 10 | zero | no |
/// | `meta/secretless` | `mystery`, which has no credential | 10 | zero | no |
/// | `meta/tomorrow` | `openai`, whose price begins a day later | 10 | zero | no |
/// | `meta/nowhere` | | | | |
#[must_use]
pub fn platform() -> PlatformRecords {
    let chat = ["openai/gpt", "anthropic/claude", "meta/secretless", "meta/tomorrow", "meta/nowhere"];
    let mut models: Vec<Model> = chat.into_iter().map(|slug| model(slug, ModelKind::Chat)).collect();
    models.push(model("openai/embed", ModelKind::Embeddings));
    let paid = ["openai", "azure", "anthropic", "vertex/eu"];
    let credentials = (1..).zip(paid).map(|(number, slug)| credential(number, None, slug)).collect();
    let providers = paid.into_iter().chain(["mystery"]).map(provider).collect();
    let data_policy = |retention, trains| DataPolicy { retention, trains };
    let tomorrow = PriceVersion { effective_from: NOW.plus_seconds(86_400), ..price(6, 10) };
    let endpoints = vec![
        Endpoint {
            data_policy: data_policy(Retention::Retained, Some(false)),
            ..endpoint(1, "openai/gpt", "openai", 100)
        },
        endpoint(2, "openai/gpt", "azure", 200),
        Endpoint {
            data_policy: data_policy(Retention::Unknown, None),
            ..endpoint(3, "anthropic/claude", "anthropic", 300)
        },
        endpoint(4, "anthropic/claude", "vertex/eu", 300),
        endpoint(5, "meta/secretless", "mystery", 10),
        Endpoint { prices: vec![tomorrow], ..endpoint(6, "meta/tomorrow", "openai", 10) },
        endpoint(7, "openai/embed", "openai", 10),
    ];
    let ceiling = price(0, 1_000).unit;
    PlatformRecords {
        epoch: 1,
        revision: 1,
        providers,
        models,
        endpoints,
        credentials,
        policies: Vec::new(),
        ceiling,
    }
}
