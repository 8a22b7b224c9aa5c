//! Nothing crosses the border of an organization.

use domain::limit::BudgetScope;
use domain::org::{Member, Role, Team};
use domain::{Amount, CredentialId, MemberId, PersonId, PolicyId, TeamId, Window};
use policy::record::{Credential, Layer, Policy, Rules, Sealed};
use store::{Author, EventFilter, KeyFilter, Person, StoreError};

use crate::world::{ALL, NOW, World, key};

macro_rules! not_found {
    ($result:expr) => {
        assert!(matches!($result, Err(StoreError::NotFound)), "{}", stringify!($result))
    };
}

fn a_policy(number: u128, layer: Layer) -> Policy {
    Policy { id: PolicyId::new(NOW, number), layer, name: "strict".to_owned(), rules: Rules::default() }
}

fn a_credential(world: &World) -> Credential {
    let org = Some(world.theirs.org.id);
    let sealed = Sealed(vec![1, 2, 3]);
    let id = CredentialId::new(NOW, 1);
    Credential { id, org, provider: "openai".to_owned(), label: "theirs".to_owned(), version: 1, sealed }
}

/// Their organization gets one of each noun.
async fn fill(world: &World) -> (domain::limit::Budget, Policy, Credential) {
    let sample = policy::sample::platform();
    let mut tx = world.store.begin_platform(Author::system(), NOW).await.unwrap();
    for provider in &sample.providers {
        tx.put_provider(provider).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (budget, draw) = world.theirs.budget(1, BudgetScope::Org, 1_000).await;
    let event = metering::sample::answered(world.theirs.attempt(1, &[draw]), domain::Pico::new(5));
    world.store.commit_events(&[event], NOW).await.unwrap();
    let policy = a_policy(1, Layer::Org);
    let credential = Credential { provider: sample.providers[0].slug.clone(), ..a_credential(world) };
    let mut tx = world.theirs.begin().await;
    tx.insert_policy(&policy).await.unwrap();
    tx.insert_credential(&credential).await.unwrap();
    tx.commit().await.unwrap();
    (budget, policy, credential)
}

pub(crate) async fn an_id_of_another_org_is_not_found(world: World) {
    let (budget, policy, credential) = fill(&world).await;
    let (ours, theirs) = (&world.ours.scope, &world.theirs);
    let window = Window::MONTH.at(NOW);
    // There they are, for their own.
    assert!(theirs.scope.budget_state(budget.id, window, NOW).await.is_ok());
    assert!(theirs.scope.event(theirs.attempt(1, &[]).id).await.is_ok());
    not_found!(ours.team(theirs.team.id).await);
    not_found!(ours.member(theirs.owner.id).await);
    not_found!(ours.key(theirs.key.id).await);
    not_found!(ours.policy(policy.id).await);
    not_found!(ours.budget(budget.id).await);
    not_found!(ours.budget_state(budget.id, window, NOW).await);
    not_found!(ours.credential(credential.id).await);
    not_found!(ours.event(theirs.attempt(1, &[]).id).await);
    let mut tx = world.ours.begin().await;
    not_found!(tx.update_team(&Team { org: world.ours.org.id, ..theirs.team.clone() }).await);
    not_found!(tx.update_member(&Member { org: world.ours.org.id, ..theirs.owner.clone() }).await);
    not_found!(tx.remove_member(theirs.owner.id).await);
    not_found!(tx.update_key(&domain::key::Key { id: theirs.key.id, ..key(world.ours.org.id, 90) }).await);
    not_found!(tx.update_policy(&policy).await);
    not_found!(tx.remove_policy(policy.id).await);
    not_found!(tx.remove_budget(budget.id).await);
    not_found!(tx.remove_credential(credential.id).await);
}

pub(crate) async fn lists_of_an_org_hold_nothing_of_another(world: World) {
    fill(&world).await;
    let ours = &world.ours;
    assert_eq!(ours.scope.teams(&ALL).await.unwrap().items, std::slice::from_ref(&ours.team));
    let members = ours.scope.members(&ALL).await.unwrap().items;
    assert_eq!(members.iter().map(|view| view.email.as_str()).collect::<Vec<_>>(), ["owner1@example.org"]);
    assert_eq!(
        ours.scope.keys(KeyFilter::default(), &ALL).await.unwrap().items,
        std::slice::from_ref(&ours.key)
    );
    assert!(ours.scope.policies(&ALL).await.unwrap().items.is_empty());
    assert!(ours.scope.budgets(&ALL).await.unwrap().items.is_empty());
    assert!(ours.scope.credentials(&ALL).await.unwrap().items.is_empty());
    assert!(ours.scope.events(&EventFilter::default(), &ALL).await.unwrap().items.is_empty());
    assert!(ours.scope.chargeback(Window::MONTH.at(NOW)).await.unwrap().is_empty());
    let totals = ours.scope.totals(Window::MONTH.at(NOW)).await.unwrap();
    assert_eq!((totals.count, totals.ledger), (0, Amount::ZERO));
    let foreign =
        ours.scope.audit(&ALL).await.unwrap().items.into_iter().any(|row| row.action == "create_policy");
    assert!(!foreign);
}

pub(crate) async fn writes_of_another_orgs_objects_are_refused(world: World) {
    let (budget, _, credential) = fill(&world).await;
    let theirs = &world.theirs;
    let mut tx = world.ours.begin().await;
    not_found!(tx.update_org(&theirs.org).await);
    not_found!(tx.insert_team(&Team { id: TeamId::new(NOW, 9), ..theirs.team.clone() }).await);
    not_found!(tx.update_team(&theirs.team).await);
    not_found!(tx.insert_member(&Member { id: MemberId::new(NOW, 9), ..theirs.owner.clone() }).await);
    not_found!(tx.update_member(&theirs.owner).await);
    not_found!(tx.insert_key(&key(theirs.org.id, 9)).await);
    not_found!(tx.update_key(&theirs.key).await);
    not_found!(tx.insert_budget(&budget).await);
    not_found!(tx.update_budget(&budget).await);
    not_found!(tx.insert_credential(&credential).await);
    not_found!(tx.update_credential(&credential).await);
    not_found!(tx.insert_credential(&Credential { org: None, ..credential.clone() }).await);
    drop(tx);
    assert_eq!(theirs.scope.team(theirs.team.id).await.unwrap(), theirs.team);
    assert_eq!(theirs.scope.key(theirs.key.id).await.unwrap(), theirs.key);
}

pub(crate) async fn a_reference_into_another_org_is_refused(world: World) {
    let (ours, theirs) = (&world.ours, &world.theirs);
    let org = ours.org.id;
    let person = Person {
        id: PersonId::new(NOW, 9),
        email: "nina@example.org".to_owned(),
        name: "Nina".to_owned(),
        password_hash: String::new(),
    };
    let member = Member {
        id: MemberId::new(NOW, 9),
        org,
        person: person.id,
        role: Role::TeamAdmin,
        team: Some(theirs.team.id),
    };
    let mut tx = ours.begin().await;
    tx.insert_person(&person).await.unwrap();
    not_found!(tx.insert_member(&member).await);
    drop(tx);
    // A refused statement ends a transaction on Postgres: one each.
    not_found!(
        ours.begin().await.insert_key(&domain::key::Key { team: Some(theirs.team.id), ..key(org, 9) }).await
    );
    not_found!(
        ours.begin()
            .await
            .insert_key(&domain::key::Key { member: Some(theirs.owner.id), ..key(org, 9) })
            .await
    );
    not_found!(ours.begin().await.insert_policy(&a_policy(9, Layer::Team(theirs.team.id))).await);
    not_found!(ours.begin().await.insert_policy(&a_policy(9, Layer::Member(theirs.owner.id))).await);
    not_found!(ours.begin().await.insert_policy(&a_policy(9, Layer::Key(theirs.key.id))).await);
    for scope in [
        BudgetScope::Team(theirs.team.id),
        BudgetScope::Member(theirs.owner.id),
        BudgetScope::Key(theirs.key.id),
    ] {
        let (budget, _) = theirs.budget(scope.name().len() as u128, scope, 5).await;
        let budget = domain::limit::Budget { org, ..budget };
        not_found!(ours.begin().await.insert_budget(&budget).await);
    }
}
