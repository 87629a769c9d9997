//! A client's talk with the API, request by request, as `cf` writes them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Client, Reply, guid};
use crate::platform::Platform;
use crate::shapes;

/// One client and what it has learnt; `@app` in a request stands for the guid that is known as `app`.
pub(crate) struct Talk {
    pub(crate) client: Client,
    known: BTreeMap<String, String>,
}

impl Talk {
    /// A talk that knows the `space` and the `organization` of a platform.
    pub(crate) fn with(platform: &Platform) -> Self {
        let mut talk = Self {
            client: platform.client.clone(),
            known: BTreeMap::new(),
        };
        talk.know("space", &platform.space);
        talk.know("organization", &platform.organization);
        talk
    }

    pub(crate) fn know(&mut self, name: &str, guid: &str) {
        self.known.insert(name.to_owned(), guid.to_owned());
    }

    /// Remembers the guid of a document.
    #[track_caller]
    pub(crate) fn keep(&mut self, name: &str, document: &Value) {
        self.know(name, &guid(document));
    }

    /// Sends `GET /v3/apps/@app` or the like, without a body.
    pub(crate) async fn ask(&self, request: &str, status: u16) -> Value {
        self.request(request, ("application/json", ""))
            .await
            .expect(status)
    }

    /// Sends a JSON body.
    pub(crate) async fn tell(&self, request: &str, body: Value, status: u16) -> Value {
        self.request(request, ("application/json", &body.to_string()))
            .await
            .expect(status)
    }

    /// A list's resources, whose pagination is whole.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let document = self.ask(&format!("GET {path}"), 200).await;
        shapes::check("list", &document);
        document["resources"].as_array().unwrap().clone()
    }

    /// The only resource of a list.
    pub(crate) async fn only(&self, path: &str) -> Value {
        let all = self.list(path).await;
        assert_eq!(all.len(), 1, "{path}: {all:?}");
        all[0].clone()
    }

    /// Sends what answers with a job, and asks for the job.
    pub(crate) async fn job(&self, request: &str, body: (&str, &str)) {
        let reply = self.request(request, body).await;
        let document = self.client.get(&reply.location()).await.expect(200);
        shapes::check("job", &document);
        assert_eq!(document["state"], "COMPLETE", "{request}: {document}");
    }

    /// Deletes, which answers with a job.
    pub(crate) async fn delete(&self, path: &str) {
        self.job(&format!("DELETE {path}"), ("application/json", ""))
            .await;
    }

    pub(crate) async fn request(&self, request: &str, (kind, body): (&str, &str)) -> Reply {
        let (method, path) = request.split_once(' ').unwrap();
        let (path, body) = (self.filled(path), self.filled(body));
        self.client
            .send(method, &path, (kind, body.as_bytes()))
            .await
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        // The longest names first: `@app` is not to be found in `@application`.
        let mut names: Vec<_> = self.known.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, guid) in names {
            filled = filled.replace(&format!("@{name}"), guid);
        }
        filled
    }
}
