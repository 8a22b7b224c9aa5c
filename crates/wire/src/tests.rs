use std::sync::Arc;

use ::policy::feed::Heartbeat;
use ::policy::record::{
    Credential, Layer, ObjectRef, OrgObject, Policy, Rate, RateUnit, Rules, Sealed, Unaffordable,
    UnknownPrice,
};
use domain::key::{Key, KeyHash, KeyKind};
use domain::limit::{Budget, BudgetFilter, Enforcement, Thresholds};
use domain::model::{DataPolicy, Dialect, Endpoint, Model, ModelKind, Provider, Retention};
use domain::org::{Member, Org, Role, Team};
use domain::price::{PriceTier, PriceVersion, UnitPrices};
use domain::{
    Amount, BudgetId, BudgetScope, CredentialId, EndpointId, ErrorCode, KeyId, MemberId, OrgId, Period,
    PersonId, Pico, PolicyId, PriceVersionId, TeamId, Timestamp, TokenClass, TokenUsage, Window,
};
use metering::sample;
use metering::usage::{Flags, Outcome, Progress, UsageSource};
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::*;

const AT: Timestamp = Timestamp::from_micros(1_795_000_000_123_456);

fn org() -> OrgId {
    OrgId::from_bits(u128::MAX - 1)
}

fn key(previous: bool) -> Key {
    Key {
        id: KeyId::from_bits(5),
        org: org(),
        team: previous.then_some(TeamId::from_bits(2)),
        member: previous.then_some(MemberId::from_bits(3)),
        name: "búild".into(),
        kind: if previous { KeyKind::Inference } else { KeyKind::Management },
        public_id: "ab".repeat(32),
        label: "sk-weir-AbC…xyz".into(),
        hash: KeyHash([7; 32]),
        previous: previous.then_some((KeyHash([8; 32]), AT)),
        expires_at: previous.then_some(AT),
        revoked_at: previous.then_some(Timestamp::from_micros(-1)),
        requests_per_minute: previous.then_some(60),
    }
}

fn rules() -> Rules {
    Rules {
        allowed_models: Some(vec!["openai/*".into()]),
        ignored_models: vec!["openai/o1".into()],
        allowed_providers: Some(Vec::new()),
        ignored_providers: vec!["azure".into()],
        zdr: true,
        no_training: true,
        output_cap: Some(0),
        unaffordable: Some(Unaffordable::Reject),
        unknown_price: Some(UnknownPrice::Ceiling),
        default_model: Some("openai/gpt-5-mini".into()),
        rates: RateUnit::ALL
            .map(|unit| Rate {
                unit,
                limit: 7,
                models: (unit == RateUnit::Concurrent).then(|| "openai/*".into()),
            })
            .into(),
    }
}

fn policy(number: u128, layer: Layer, rules: Rules) -> Policy {
    Policy { id: PolicyId::from_bits(number), layer, name: "no training".into(), rules }
}

fn credential(org: Option<OrgId>) -> Credential {
    Credential {
        id: CredentialId::from_bits(9),
        org,
        provider: "openai".into(),
        label: "main".into(),
        version: 3,
        sealed: Sealed(vec![0, 255, 1]),
    }
}

fn budget(scope: BudgetScope) -> Budget {
    Budget {
        id: BudgetId::from_bits(8),
        org: org(),
        name: "november".into(),
        scope,
        limit: Amount::from_pico(123_456_789_012_345_678_901),
        window: Window::MONTH,
        enforcement: Enforcement::Hard,
        filter: BudgetFilter::default(),
        thresholds: Thresholds::default(),
    }
}

fn objects() -> Vec<OrgObject> {
    let (team, member, key_id) = (TeamId::from_bits(2), MemberId::from_bits(3), KeyId::from_bits(5));
    let team_object = |cost_centre| Team { id: team, org: org(), name: "search".into(), cost_centre };
    let member_object =
        |role, team| Member { id: member, org: org(), person: PersonId::from_bits(4), role, team };
    let mut objects = vec![
        OrgObject::Org(Org { id: org(), name: "Weir & Söhne".into() }),
        OrgObject::Team(team_object(Some("4711".into()))),
        OrgObject::Team(team_object(None)),
        OrgObject::Key(key(true)),
        OrgObject::Key(key(false)),
        OrgObject::Credential(credential(Some(org()))),
        OrgObject::Member(member_object(Role::TeamAdmin, Some(team))),
    ];
    objects.extend(Role::ALL.map(|role| OrgObject::Member(member_object(role, None))));
    let layers = [Layer::Org, Layer::Team(team), Layer::Member(member), Layer::Key(key_id)];
    objects.extend(layers.map(|layer| OrgObject::Policy(policy(1, layer, rules()))));
    let scopes =
        [BudgetScope::Org, BudgetScope::Team(team), BudgetScope::Member(member), BudgetScope::Key(key_id)];
    objects.extend(scopes.map(|scope| OrgObject::Budget(budget(scope))));
    objects.extend(Period::ALL.map(|period| {
        let window = Window::new(period, "Australia/Lord_Howe", 7).unwrap();
        OrgObject::Budget(Budget { window, ..budget(BudgetScope::Org) })
    }));
    objects
}

fn org_records() -> OrgRecords {
    OrgRecords { epoch: 7, org: org(), revision: 42, objects: objects() }
}

fn change() -> OrgChange {
    let removed = vec![
        ObjectRef::Org(org()),
        ObjectRef::Team(TeamId::from_bits(1)),
        ObjectRef::Member(MemberId::from_bits(2)),
        ObjectRef::Key(KeyId::from_bits(3)),
        ObjectRef::Policy(PolicyId::from_bits(4)),
        ObjectRef::Budget(BudgetId::from_bits(5)),
        ObjectRef::Credential(CredentialId::from_bits(6)),
    ];
    OrgChange { epoch: 7, org: org(), revision: 43, previous: 42, put: objects(), removed }
}

fn all_prices() -> UnitPrices {
    let prices = TokenClass::ALL.into_iter().zip(0..);
    prices.fold(UnitPrices::default(), |unit, (class, pico)| unit.with(class, Some(Pico::new(pico))))
}

fn endpoint(retention: Retention, trains: Option<bool>) -> Endpoint {
    Endpoint {
        id: EndpointId::from_bits(1),
        model: "openai/gpt-5-mini".into(),
        provider: "openai".into(),
        upstream_model: "gpt-5-mini".into(),
        max_output_tokens: 128_000,
        data_policy: DataPolicy { retention, trains },
        prices: vec![PriceVersion {
            id: PriceVersionId::from_bits(1),
            effective_from: AT,
            unit: all_prices(),
            tiers: vec![
                PriceTier { above_prompt_tokens: 200_000, unit: UnitPrices::default() },
                PriceTier { above_prompt_tokens: u64::MAX, unit: all_prices() },
            ],
        }],
    }
}

fn platform() -> PlatformRecords {
    let provider = |dialect| Provider {
        slug: "openai".into(),
        name: "OpenAI".into(),
        dialect,
        base_url: "https://api.openai.com/v1".into(),
    };
    let model = |kind| Model {
        slug: "openai/gpt-5-mini".into(),
        name: "GPT-5 mini".into(),
        kind,
        context_length: u32::MAX,
        created: AT,
    };
    let zero = Retention::Zero { evidence_url: "https://example.org/zdr".into(), checked_at: AT };
    PlatformRecords {
        epoch: 7,
        revision: 3,
        providers: vec![provider(Dialect::OpenAi), provider(Dialect::Anthropic)],
        models: vec![model(ModelKind::Chat), model(ModelKind::Embeddings)],
        endpoints: vec![
            endpoint(zero, Some(false)),
            endpoint(Retention::Unknown, None),
            endpoint(Retention::Retained, Some(true)),
        ],
        credentials: vec![credential(None)],
        policies: vec![
            policy(1, Layer::Platform, Rules::default()),
            policy(2, Layer::Platform, Rules { unaffordable: Some(Unaffordable::Clamp), ..Rules::default() }),
            policy(
                3,
                Layer::Platform,
                Rules { unknown_price: Some(UnknownPrice::Block), ..Rules::default() },
            ),
        ],
        ceiling: all_prices(),
    }
}

fn event() -> UsageEvent {
    let mut attempt = sample::attempt(77);
    attempt.attribution.member = Some(MemberId::from_bits(3));
    attempt.attribution.app = Some("app".into());
    attempt.attribution.end_user = Some("user".into());
    attempt.attribution.session = Some("session".into());
    attempt.attribution.data_class = Some("regulated".into());
    attempt.attribution.route = Some("fast".into());
    attempt.attribution.tags = vec![("a".into(), "1".into()), ("b".into(), String::new())];
    attempt.id.attempt = u16::MAX;
    attempt.kind = ModelKind::Embeddings;
    attempt.byok = Some(CredentialId::from_bits(9));
    attempt.zdr = true;
    attempt.reserved = Pico::new(i64::MAX);
    attempt.draws = vec![sample::draw(1), sample::draw(2)];
    let mut event = sample::answered(attempt, Pico::new(81_000_000));
    event.settlement.usage =
        TokenUsage::default().with(TokenClass::Input, u64::MAX).with(TokenClass::ToolCall, 1);
    event.settlement.overruns = vec![Amount::from_pico(0), Amount::from_pico(1_000_001)];
    event.settlement.suspense = Pico::new(5);
    event.settlement.flags = Flags::from_bits(u32::MAX);
    event
}

/// `value` survives the wire, and no damaged copy of its bytes makes a reader panic or read without end.
fn check<T: Wire + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = value.to_bytes();
    assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(value));
    for length in 0..bytes.len() {
        if let Ok(shorter) = T::from_bytes(&bytes[..length]) {
            assert_eq!(T::from_bytes(&shorter.to_bytes()), Ok(shorter));
        }
    }
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        if let Ok(other) = T::from_bytes(&damaged) {
            assert_eq!(T::from_bytes(&other.to_bytes()), Ok(other));
        }
    }
}

#[test]
fn an_organizations_policy_survives_the_wire() {
    check(&org_records());
    check(&change());
}

#[test]
fn the_platforms_policy_survives_the_wire() {
    check(&platform());
}

#[test]
fn the_last_known_good_survives_the_wire() {
    let good = LastKnownGood { epoch: 7, platform: platform(), orgs: vec![org_records()] };
    assert_eq!(LastKnownGood::from_bytes(&good.to_bytes()), Ok(good));
}

#[test]
fn the_feeds_messages_survive_the_wire() {
    check(&PolicyMessage::Change(change()));
    check(&PolicyMessage::Platform(Box::new(platform())));
    check(&PolicyMessage::Heartbeat(Heartbeat { epoch: 1, orgs: 2, revisions: u64::MAX, platform: 4 }));
}

#[test]
fn lagged_is_not_sent() {
    let bytes = PolicyMessage::Lagged.to_bytes();
    assert_eq!(PolicyMessage::from_bytes(&bytes), Err(WireError::Missing("message.kind")));
}

#[test]
fn journal_records_survive_the_wire() {
    let event = event();
    let progress = Progress { usage: event.settlement.usage, streamed: Pico::new(3) };
    check(&Record::Reserved(Arc::new(event.attempt.clone())));
    check(&Record::Progress(event.attempt.id, progress));
    check(&Record::Void(event.attempt.id));
    check(&Record::Settled(Arc::new(event.clone())));
    check(&event);
    check(&vec![event.clone(), sample::answered(sample::attempt(1), Pico::ZERO), event]);
}

#[test]
fn every_outcome_source_and_error_survives_the_wire() {
    const CODES: [ErrorCode; 15] = [
        ErrorCode::InvalidRequest,
        ErrorCode::ContextLengthExceeded,
        ErrorCode::ContentPolicyViolation,
        ErrorCode::Authentication,
        ErrorCode::PaymentRequired,
        ErrorCode::PermissionDenied,
        ErrorCode::NotFound,
        ErrorCode::MethodNotAllowed,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::RateLimitExceeded,
        ErrorCode::Server,
        ErrorCode::ProviderUnavailable,
        ErrorCode::ProviderOverloaded,
        ErrorCode::Timeout,
    ];
    let errors = CODES.map(Some).into_iter().chain([None]);
    for ((error, outcome), usage_source) in
        errors.zip(Outcome::ALL.into_iter().cycle()).zip(UsageSource::ALL.into_iter().cycle())
    {
        let mut event = event();
        event.settlement.error = error;
        event.settlement.outcome = outcome;
        event.settlement.usage_source = usage_source;
        event.settlement.first_byte_at = None;
        event.settlement.finish_reason = None;
        assert_eq!(UsageEvent::from_bytes(&event.to_bytes()), Ok(event));
    }
}

#[test]
fn what_cannot_be_is_refused_by_the_fields_name() {
    let refusal = |spoil: fn(&mut pb::metering::v1::UsageEvent)| {
        let mut message = pb::metering::v1::UsageEvent::from(&event());
        spoil(&mut message);
        UsageEvent::from_bytes(&message.encode_to_vec()).unwrap_err()
    };
    assert_eq!(refusal(|message| message.attempt = None), WireError::Missing("usage_event.attempt"));
    assert_eq!(
        refusal(|message| message.settlement.as_mut().unwrap().cost_pico = -1),
        WireError::Invalid("settlement.cost_pico")
    );
    assert_eq!(
        refusal(|message| message.settlement.as_mut().unwrap().overruns.clear()),
        WireError::Invalid("settlement.overruns")
    );
    assert_eq!(
        refusal(|message| message.settlement.as_mut().unwrap().outcome = 0),
        WireError::Invalid("settlement.outcome")
    );
    assert_eq!(
        refusal(|message| message.settlement.as_mut().unwrap().status = 70_000),
        WireError::Invalid("settlement.status")
    );
    assert_eq!(
        refusal(|message| message.attempt.as_mut().unwrap().endpoint.truncate(15)),
        WireError::Invalid("attempt.endpoint")
    );
    assert_eq!(
        refusal(|message| message.attempt.as_mut().unwrap().draws[0].window = "2026-13".into()),
        WireError::Invalid("draw.window")
    );
    assert_eq!(
        refusal(|message| {
            let usage = &mut message.settlement.as_mut().unwrap().usage;
            usage.push(usage[0]);
        }),
        WireError::Invalid("used.class")
    );
}

#[test]
fn prices_that_cannot_be_are_refused() {
    let refusal = |spoil: fn(&mut pb::policy::v1::PriceVersion)| {
        let mut message = pb::policy::v1::PlatformRecords::from(&platform());
        spoil(&mut message.endpoints[0].prices[0]);
        PlatformRecords::from_bytes(&message.encode_to_vec()).unwrap_err()
    };
    assert_eq!(refusal(|version| version.unit[0].pico = -1), WireError::Invalid("unit_price.pico"));
    assert_eq!(refusal(|version| version.unit.push(version.unit[0])), WireError::Invalid("unit_price.class"));
    assert_eq!(refusal(|version| version.tiers.reverse()), WireError::Invalid("price_version.tiers"));
}

#[test]
fn a_message_beyond_its_size_is_not_even_read() {
    let bytes = vec![0; EventId::MAX_BYTES + 1];
    let refused = WireError::TooLarge { bytes: EventId::MAX_BYTES + 1, max: EventId::MAX_BYTES };
    assert_eq!(EventId::from_bytes(&bytes), Err(refused));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = PolicyMessage::from_bytes(&bytes) {
            prop_assert_eq!(PolicyMessage::from_bytes(&message.to_bytes()), Ok(message));
        }
        if let Ok(record) = Record::from_bytes(&bytes) {
            prop_assert_eq!(Record::from_bytes(&record.to_bytes()), Ok(record));
        }
        if let Ok(good) = LastKnownGood::from_bytes(&bytes) {
            prop_assert_eq!(LastKnownGood::from_bytes(&good.to_bytes()), Ok(good));
        }
    }
}
