//! Persons, who may be members of several organizations.
//!
//! Invariant: an e-mail address, in lower case, belongs to one person.

use std::fmt;

use domain::PersonId;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::json;

use crate::column::Row;
use crate::connect::Store;
use crate::entity::person;
use crate::error::StoreError;
use crate::scope::{insert, one, platform};
use crate::tx::PolicyTx;

/// Somebody who can log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Their identity.
    pub id: PersonId,
    /// What they log in with, in lower case.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// Argon2id, in PHC form.
    pub password_hash: String,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("id", &self.id).finish_non_exhaustive()
    }
}

impl TryFrom<person::Model> for Person {
    type Error = StoreError;
    fn try_from(row: person::Model) -> Result<Self, StoreError> {
        let id = Row { table: "persons", id: &row.id }.parse(&row.id)?;
        Ok(Self { id, email: row.email, name: row.name, password_hash: row.password_hash })
    }
}

impl Store {
    /// The person with this address, in lower case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreError> {
        let select = platform::<person::Entity>().filter(person::Column::Email.eq(email));
        select.one(self.reader()).await?.map(Person::try_from).transpose()
    }

    /// One person.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn person(&self, id: PersonId) -> Result<Person, StoreError> {
        let select = platform::<person::Entity>().filter(person::Column::Id.eq(id.to_string()));
        one(select, self.reader()).await?.try_into()
    }

    /// Whether there is anybody at all: not at the first start.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_persons(&self) -> Result<bool, StoreError> {
        Ok(platform::<person::Entity>().limit(1).one(self.reader()).await?.is_some())
    }

    /// Gives a person another password.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_password_hash(&self, id: PersonId, hash: &str) -> Result<(), StoreError> {
        let changed = person::Entity::update_many()
            .col_expr(person::Column::PasswordHash, Expr::value(hash))
            .filter(person::Column::Id.eq(id.to_string()))
            .exec(self.writer())
            .await
            .map_err(StoreError::unsure)?;
        if changed.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
    }
}

impl PolicyTx {
    /// Adds a person, who is about to become a member.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address is another person's.
    pub async fn insert_person(&mut self, new: &Person) -> Result<(), StoreError> {
        let row = person::Model {
            id: new.id.to_string(),
            email: new.email.clone(),
            name: new.name.clone(),
            password_hash: new.password_hash.clone(),
        };
        let inserted = insert::<person::Entity, _>(row, self.sql()).await;
        inserted.map_err(|error| error.or_conflict("a person with this e-mail address exists"))?;
        // No address and no name: a person can be erased, an audit row cannot.
        self.note("create_person", new.id, json!({}));
        Ok(())
    }
}
