//! Resources: objects with labels and annotations, which are shown, listed and marked alike.

use serde_json::Value;

use super::{Answer, ApiError, Base, Body, Call, Listing, Metadata, ok};
use crate::store::Record;

/// One kind of object with labels and annotations.
pub trait Resource: Record {
    /// What its marks are kept under.
    fn guid(&self) -> &str;

    /// What clients see of it.
    fn document(&self, base: &Base, marks: &Metadata) -> Value;
}

impl Call {
    /// The documents of these, in their order.
    ///
    /// # Errors
    ///
    /// As all of these: fails when the store does.
    pub async fn documents<T: Resource>(&self, all: &[T]) -> Result<Vec<Value>, ApiError> {
        let guids: Vec<&str> = all.iter().map(T::guid).collect();
        let marks = self.store().metadata_of(&guids).await?;
        let none = Metadata::default();
        let document = |one: &T| {
            let marks = marks.get(one.guid()).unwrap_or(&none);
            one.document(&self.base, marks)
        };
        Ok(all.iter().map(document).collect())
    }

    /// The document of one.
    ///
    /// # Errors
    ///
    /// See [`Call::documents`].
    pub async fn document<T: Resource>(&self, one: &T) -> Result<Value, ApiError> {
        let documents = self.documents(std::slice::from_ref(one)).await?;
        Ok(documents.into_iter().next().unwrap_or_default())
    }

    /// The page that a listing asks for, and its document; `touch` may change what is shown of each.
    ///
    /// # Errors
    ///
    /// See [`Call::documents`].
    pub async fn listed<T: Resource>(
        &self,
        listing: &Listing,
        mut touch: impl FnMut(&T, &mut Value),
    ) -> Result<(Vec<T>, Value), ApiError> {
        let page = self.page::<T>(listing).await?;
        let mut documents = self.documents(&page.items).await?.into_iter();
        let whole = listing.document(&self.base, &page, |one| {
            let mut document = documents.next().unwrap_or_default();
            touch(one, &mut document);
            document
        });
        Ok((page.items, whole))
    }

    /// The page that a listing asks for, as it is.
    ///
    /// # Errors
    ///
    /// See [`Call::documents`].
    pub async fn list<T: Resource>(&self, listing: &Listing) -> Answer {
        let (_, whole) = self.listed::<T>(listing, |_, _| ()).await?;
        ok(whole)
    }

    /// Changes labels and annotations as a body says that may say nothing else.
    ///
    /// # Errors
    ///
    /// 10008 when it does.
    pub async fn mark<T: Resource>(&self, one: &T, body: &Body) -> Answer {
        let mut fields = body.fields();
        let patch = fields.metadata();
        fields.finish()?;
        let mut tx = self.store().begin().await?;
        tx.write_metadata(one.guid(), &patch).await?;
        tx.commit().await?;
        ok(self.document(one).await?)
    }
}

/// Makes a kind of object whose guid is its field `guid` a [`Resource`], with a function for its document.
macro_rules! resource {
    ($kind:ty, $document:path) => {
        impl crate::api::Resource for $kind {
            fn guid(&self) -> &str {
                &self.guid
            }

            fn document(&self, base: &crate::api::Base, marks: &crate::api::Metadata) -> Value {
                $document(base, self, marks)
            }
        }
    };
}

pub(super) use resource;
