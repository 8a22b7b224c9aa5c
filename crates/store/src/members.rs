//! Members of an organization, with the persons they are.
//!
//! Invariant: a person is a member of an organization at most once at a time; an organization keeps at least one owner.
//! A membership that ended stays as a row, since keys and past usage name it.

use std::collections::HashMap;

use domain::org::{Member, Role};
use domain::{MemberId, PersonId};
use policy::record::ObjectRef;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, QueryFilter, Select};
use serde_json::{Value, json};

use crate::column::Row;
use crate::entity::{member, person};
use crate::error::StoreError;
use crate::page::{Order, Page, Paged, page};
use crate::persons::Person;
use crate::scope::{OrgScope, one, platform, rows, update};
use crate::tx::PolicyTx;

/// A member with the person's address and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// The membership.
    pub member: Member,
    /// What the person logs in with.
    pub email: String,
    /// What people call them.
    pub name: String,
}

impl TryFrom<member::Model> for Member {
    type Error = StoreError;
    fn try_from(row: member::Model) -> Result<Self, StoreError> {
        let place = Row { table: "members", id: &row.id };
        Ok(Self {
            id: place.parse(&row.id)?,
            org: place.parse(&row.org_id)?,
            person: place.parse(&row.person_id)?,
            role: place.named(&row.role, Role::from_name)?,
            team: place.parse_optional(row.team_id.as_deref())?,
        })
    }
}

impl From<&Member> for member::Model {
    fn from(member: &Member) -> Self {
        Self {
            org_id: member.org.to_string(),
            id: member.id.to_string(),
            person_id: member.person.to_string(),
            role: member.role.name().to_owned(),
            team_id: member.team.map(|team| team.to_string()),
            removed_at: None,
        }
    }
}

impl OrgScope {
    /// Members, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn members(&self, which: &Page) -> Result<Paged<MemberView>, StoreError> {
        let by = (member::Column::Id, Order::OldestFirst);
        let members = page(&self.read().await?, present(self.rows()), by, which, Member::try_from).await?;
        let persons = self.persons(members.items.iter().map(|member| member.person)).await?;
        let view = |member: Member| view(member, &persons);
        let items = members.items.into_iter().map(view).collect::<Result<_, _>>()?;
        Ok(Paged { items, has_next: members.has_next })
    }

    /// One member.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn member(&self, id: MemberId) -> Result<MemberView, StoreError> {
        let row = one(present(self.rows()).filter(is(id)), &self.read().await?).await?;
        let member = Member::try_from(row)?;
        let persons = self.persons([member.person]).await?;
        view(member, &persons)
    }

    /// The members that are owners.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn owners(&self) -> Result<Vec<MemberId>, StoreError> {
        let owners = owners(present(self.rows())).all(&self.read().await?).await?;
        owners.into_iter().map(|row| Member::try_from(row).map(|member| member.id)).collect()
    }

    async fn persons(
        &self,
        ids: impl IntoIterator<Item = PersonId>,
    ) -> Result<HashMap<PersonId, Person>, StoreError> {
        let ids = ids.into_iter().map(|id| id.to_string());
        let rows = platform::<person::Entity>().filter(person::Column::Id.is_in(ids));
        let persons = rows.all(&self.read().await?).await?.into_iter().map(Person::try_from);
        persons.map(|person| person.map(|person| (person.id, person))).collect()
    }
}

impl PolicyTx {
    /// Adds a member.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the person is a member; [`StoreError::NotFound`] when there is no such person or
    /// team.
    pub async fn insert_member(&mut self, new: &Member) -> Result<(), StoreError> {
        self.own(new.org)?;
        let inserted = self.insert::<member::Entity>(new.into()).await;
        inserted.map_err(|error| error.or_conflict("this person is a member already"))?;
        self.put(ObjectRef::Member(new.id), "create_member", detail(new));
        Ok(())
    }

    /// Changes a member's role or team.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when no owner would be left.
    pub async fn update_member(&mut self, changed: &Member) -> Result<(), StoreError> {
        self.own(changed.org)?;
        let which = is(changed.id).add(member::Column::RemovedAt.is_null());
        self.replace::<member::Entity>(changed.into(), which).await?;
        self.keep_an_owner().await?;
        self.put(ObjectRef::Member(changed.id), "update_member", detail(changed));
        Ok(())
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] when no owner would be left.
    pub async fn remove_member(&mut self, id: MemberId) -> Result<(), StoreError> {
        let ended = update::<member::Entity>(self.org())
            .col_expr(member::Column::RemovedAt, Expr::value(self.now().as_micros()))
            .filter(is(id).add(member::Column::RemovedAt.is_null()))
            .exec(self.sql())
            .await?;
        if ended.rows_affected == 0 {
            return Err(StoreError::NotFound);
        }
        self.keep_an_owner().await?;
        self.removed(ObjectRef::Member(id), "remove_member");
        Ok(())
    }

    async fn keep_an_owner(&self) -> Result<(), StoreError> {
        match owners(present(rows(self.org()))).one(self.sql()).await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Conflict("an organization keeps at least one owner")),
        }
    }
}

pub(crate) fn is(id: MemberId) -> Condition {
    Condition::all().add(member::Column::Id.eq(id.to_string()))
}

/// Those whose membership has not ended.
pub(crate) fn present(select: Select<member::Entity>) -> Select<member::Entity> {
    select.filter(member::Column::RemovedAt.is_null())
}

fn owners(select: Select<member::Entity>) -> Select<member::Entity> {
    select.filter(member::Column::Role.eq(Role::Owner.name()))
}

fn view(member: Member, persons: &HashMap<PersonId, Person>) -> Result<MemberView, StoreError> {
    let id = member.id.to_string();
    let nobody = || Row { table: "members", id: &id }.problem("its person is missing");
    let person = persons.get(&member.person).ok_or_else(nobody)?;
    Ok(MemberView { member, email: person.email.clone(), name: person.name.clone() })
}

fn detail(member: &Member) -> Value {
    let team = member.team.map(|team| team.to_string());
    json!({ "person": member.person.to_string(), "role": member.role.name(), "team": team })
}
