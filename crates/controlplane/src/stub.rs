#![allow(dead_code, unused_variables, clippy::all)]
use domain::key::*; use domain::limit::*; use domain::org::*; use domain::*; use domain::model; use metering::ports::*; use metering::usage::{Holder, Draw, UsageEvent}; use policy::record::*; use policy::feed::Heartbeat;
#[derive(Debug, thiserror::Error)] pub enum StoreError { #[error("n")] NotFound, #[error("c {0}")] Conflict(&'static str), #[error("b")] Busy, #[error("i {0}")] Internal(String) }
type R<T> = Result<T, StoreError>;
#[derive(Clone)] pub struct Store; #[derive(Clone)] pub struct OrgScope; pub struct PolicyTx;
pub struct Author; impl Author { pub fn person(p: PersonId)->Self{Self} pub fn key(k: KeyId)->Self{Self} pub fn system()->Self{Self} }
pub struct Page{pub after: Option<String>, pub first: u32} pub struct Paged<T>{pub items: Vec<T>, pub has_next: bool}
#[derive(Debug)] pub struct MemberView{pub member: Member, pub email: String, pub name: String}
pub struct Person{pub id: PersonId, pub email: String, pub name: String, pub password_hash: String}
#[derive(Default)] pub struct KeyFilter{pub team: Option<TeamId>, pub member: Option<MemberId>}
pub struct DirtyOrg{pub org: OrgId, pub published: u64, pub revision: u64}
pub struct AuditEntry{pub seq:u64,pub at:Timestamp,pub actor_kind:String,pub actor_id:String,pub action:String,pub object:String,pub detail:String,pub hash:String}
pub struct Totals{pub events:Amount,pub ledger:Amount,pub count:u64}
pub struct ChargebackRow{pub team:Option<TeamId>,pub team_name:Option<String>,pub cost_centre:Option<String>,pub key:KeyId,pub key_name:String,pub model:String,pub provider:String,pub requests:u64,pub usage:TokenUsage,pub cost:Amount}
macro_rules! f { ($t:ty: $($n:ident($($a:ident: $at:ty),*) -> $r:ty;)*) => { impl $t { $(pub async fn $n(&self, $($a: $at),*) -> R<$r> { todo!() })* } } }
f!(Store: person_by_email(e: &str) -> Option<Person>; person(p: PersonId) -> Person; memberships(p: PersonId) -> Vec<Member>; key_by_hash(h: &KeyHash) -> Option<Key>;
 open_session(p: PersonId, h: String, n: Timestamp, e: Timestamp) -> (); rotate_session(o: String, h: String, n: Timestamp, e: Timestamp) -> PersonId; close_session(h: String, n: Timestamp) -> ();
 provider_slugs() -> Vec<String>; models(p: Page) -> Paged<(model::Model, Vec<model::Endpoint>)>; index() -> Vec<(OrgId,u64)>; platform_records() -> PlatformRecords; load_records(o: OrgId) -> OrgRecords;
 grant(h: Holder, r: &[LeaseRequest], n: Timestamp) -> Vec<LeaseAnswer>; give_back(h: Holder, u: &[(OrgId, Draw, Amount)]) -> (); commit_events(e: &[UsageEvent], n: Timestamp) -> ();
 heartbeat() -> Heartbeat; dirty_platform() -> Option<u64>; mark_platform_published(r: u64) -> (); dirty_orgs() -> Vec<DirtyOrg>; load_change(o: OrgId, p: u64) -> Option<OrgChange>; mark_published(o: OrgId, r: u64) -> (); create_org(o: &Org, a: Author, n: Timestamp) -> PolicyTx;);
impl Store { pub fn scope(&self, o: OrgId) -> OrgScope { OrgScope } }
f!(OrgScope: org() -> Org; team(i: TeamId) -> Team; member(i: MemberId) -> MemberView; key(i: KeyId) -> Key; budget(i: BudgetId) -> Budget; policy(i: PolicyId) -> Policy; credential(i: CredentialId) -> Credential; event(i: EventId) -> UsageEvent;
 teams(p: Page) -> Paged<Team>; members(p: Page) -> Paged<MemberView>; keys(p: Page, f: KeyFilter) -> Paged<Key>; budgets(p: Page) -> Paged<Budget>; policies(p: Page) -> Paged<Policy>; credentials(p: Page) -> Paged<Credential>; events(w: WindowId, p: Page) -> Paged<UsageEvent>; cut_calls(w: WindowId, p: Page) -> Paged<UsageEvent>; audit(p: Page) -> Paged<AuditEntry>;
 budget_state(b: BudgetId, w: WindowId) -> BudgetState; chargeback(w: WindowId) -> (Vec<ChargebackRow>, Totals); owners() -> Vec<MemberId>; begin(a: Author, n: Timestamp) -> PolicyTx; note(a: Author, x: &str, o: &str, n: Timestamp) -> (););
impl PolicyTx { pub async fn commit(self) -> R<u64> { todo!() } }
macro_rules! g { ($($n:ident($at:ty);)*) => { impl PolicyTx { $(pub async fn $n(&mut self, a: $at) -> R<()> { todo!() })* } } }
g!(update_org(&Org); insert_team(&Team); update_team(&Team); insert_person(&Person); insert_member(&Member); update_member(&Member); remove_member(MemberId); insert_key(&Key); update_key(&Key); insert_budget(&Budget); update_budget(&Budget); remove_budget(BudgetId); insert_policy(&Policy); update_policy(&Policy); remove_policy(PolicyId); insert_credential(&Credential); update_credential(&Credential); remove_credential(CredentialId););
