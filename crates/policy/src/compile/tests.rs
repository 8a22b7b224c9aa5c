use domain::key::Key;
use domain::model::ModelKind;
use domain::{BudgetId, KeyId, MemberId, TeamId};

use super::*;
use crate::decide::{Ask, decide};
use crate::denial::Denial;
use crate::record::{OrgObject, Rules};
use crate::sample::{self, NOW};
use crate::snapshot::PolicySnapshot;

fn compiled(objects: Vec<OrgObject>) -> OrgPolicy {
    let mut org = sample::org();
    org.objects.extend(objects);
    compiled_from(org)
}

fn compiled_from(org: OrgRecords) -> OrgPolicy {
    let mut objects = Objects::default();
    for object in org.objects {
        objects.put(object);
    }
    OrgPolicy::compile(org.org, Version { epoch: org.epoch, revision: org.revision }, objects)
}

fn own_key(policy: &OrgPolicy) -> &CompiledKey {
    policy.key(sample::key(1, sample::org_id()).id).unwrap()
}

fn refused(org: OrgRecords) -> String {
    let snapshot = PolicySnapshot::build(sample::platform(), [org]);
    let caller = snapshot.authenticate(sample::key_text(1).expose(), &sample::pepper(), NOW).unwrap();
    match decide(&snapshot, &caller, &Ask::new(ModelKind::Chat, Some("openai/gpt"), 0), NOW) {
        Err(Denial::Broken { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_under_the_policies_and_budgets_of_its_layers_from_wide_to_narrow() {
    let (team, member) = (sample::team().id, sample::member().id);
    let key = sample::key(1, sample::org_id()).id;
    let other = TeamId::from_bits(9);
    let layers = [Layer::Key(key), Layer::Team(other), Layer::Org, Layer::Member(member), Layer::Team(team)];
    let policies = (1..).zip(layers).map(|(id, layer)| sample::policy(id, layer, Rules::default()));
    let scopes = [
        BudgetScope::Key(key),
        BudgetScope::Team(other),
        BudgetScope::Org,
        BudgetScope::Member(member),
        BudgetScope::Team(team),
    ];
    let budgets = (1..).zip(scopes).map(|(id, scope)| sample::budget(id, scope, 10));
    let other = OrgObject::Team(Team { id: other, ..sample::team() });
    let objects = policies.map(OrgObject::Policy).chain(budgets.map(OrgObject::Budget)).chain([other]);
    let policy = compiled(objects.collect());
    assert_eq!(policy.problems(), []);
    let names = ["org", "team", "member", "key"];
    assert!(own_key(&policy).policies.iter().map(|policy| policy.source.name.as_str()).eq(names));
    assert!(own_key(&policy).budgets.iter().map(|budget| budget.name.as_str()).eq(names));
}

#[test]
fn a_key_of_no_team_is_under_no_teams_budget() {
    let mut key = sample::key(2, sample::org_id());
    key.name = "teamless".to_owned();
    let budget = sample::budget(1, BudgetScope::Team(sample::team().id), 10);
    let policy = compiled(vec![OrgObject::Key(key.clone()), OrgObject::Budget(budget)]);
    assert!(policy.key(key.id).unwrap().budgets.is_empty());
    assert_eq!(own_key(&policy).budgets.len(), 1);
}

#[test]
fn a_dangling_reference_compiles_to_a_key_that_refuses() {
    let dangling = [
        Key { team: Some(TeamId::from_bits(9)), ..sample::key(2, sample::org_id()) },
        Key { member: Some(MemberId::from_bits(9)), ..sample::key(2, sample::org_id()) },
    ];
    for key in dangling {
        let id = key.id;
        let policy = compiled(vec![OrgObject::Key(key)]);
        assert!(policy.key(id).unwrap().refusal.is_some());
        assert!(own_key(&policy).refusal.is_none(), "the others are unaffected");
        assert_eq!(policy.problems()[0].object, Some(ObjectRef::Key(id)));
    }
}

#[test]
fn a_policy_or_budget_attached_to_nothing_is_a_problem() {
    let policy = sample::policy(1, Layer::Member(MemberId::from_bits(9)), Rules::default());
    let budget = sample::budget(1, BudgetScope::Key(KeyId::from_bits(9)), 1);
    let compiled = compiled(vec![OrgObject::Policy(policy.clone()), OrgObject::Budget(budget)]);
    let objects: Vec<_> = compiled.problems().iter().filter_map(|problem| problem.object).collect();
    assert_eq!(objects, [ObjectRef::Policy(policy.id), ObjectRef::Budget(BudgetId::from_bits(1))]);
}

#[test]
fn an_object_of_another_organization_refuses_everything() {
    let other = OrgId::from_bits(9);
    let foreign = [
        OrgObject::Team(Team { id: TeamId::from_bits(5), org: other, ..sample::team() }),
        OrgObject::Key(sample::key(9, other)),
        OrgObject::Budget(Budget { org: other, ..sample::budget(1, BudgetScope::Org, 1) }),
        OrgObject::Credential(sample::credential(1, None, "openai")),
        OrgObject::Org(Org { id: other, name: "other".to_owned() }),
    ];
    for object in foreign {
        let mut org = sample::org();
        org.objects.push(object.clone());
        assert!(refused(org).contains("another organization"), "{object:?}");
    }
}

#[test]
fn records_without_the_organization_itself_refuse_everything() {
    let mut org = sample::org();
    org.objects.retain(|object| !matches!(object, OrgObject::Org(_)));
    assert!(refused(org).contains("missing"));
}

#[test]
fn an_organizations_policy_of_layer_platform_refuses_everything() {
    let mut org = sample::org();
    org.objects.push(OrgObject::Policy(sample::policy(1, Layer::Platform, Rules::default())));
    assert!(refused(org).contains("layer platform"));
}

#[test]
fn an_oversized_list_refuses() {
    let rules = Rules { ignored_models: vec!["a/b".to_owned(); 10_001], ..Rules::default() };
    let mut org = sample::org();
    org.objects.push(OrgObject::Policy(sample::policy(1, Layer::Org, rules)));
    assert!(refused(org).contains("at most"));
}

#[test]
fn a_key_under_too_many_budgets_refuses() {
    let mut org = sample::org();
    let many = u128::try_from(MAX_PER_KEY).unwrap() + 1;
    org.objects.extend((0..many).map(|id| OrgObject::Budget(sample::budget(id, BudgetScope::Org, 1))));
    assert!(refused(org).contains("budgets"));
}

#[test]
fn the_newest_credential_of_a_provider_is_taken() {
    let credential =
        |number, slug| OrgObject::Credential(sample::credential(number, Some(sample::org_id()), slug));
    let policy = compiled(vec![credential(2, "OpenAI"), credential(1, "openai")]);
    assert_eq!(policy.credential("openai").unwrap().id.to_bits(), 2);
    assert!(policy.credential("azure").is_none());
}

#[test]
fn records_read_back_as_they_were_sent() {
    let org = sample::org();
    let records = compiled_from(org.clone()).records();
    assert_eq!((records.epoch, records.org, records.revision), (1, org.org, 1));
    assert_eq!(records.objects.len(), org.objects.len());
    assert!(org.objects.iter().all(|object| records.objects.contains(object)));
}
