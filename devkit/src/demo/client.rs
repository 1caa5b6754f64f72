//! Plain HTTP to the verifying sidecar, as an agent's own code would do it.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

use super::StoryError;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of `base_url`.
pub(super) struct Client {
    http: reqwest::Client,
    base_url: String,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    step: &'static str,
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Client {
    pub(super) fn new(base_url: &str) -> Self {
        Self { http: reqwest::Client::new(), base_url: base_url.to_owned() }
    }

    /// `POST`s a JSON body as `step` of the story.
    pub(super) async fn post(
        &self,
        step: &'static str,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Answer, StoryError> {
        self.call(step, Method::POST, path, token, Some(body)).await
    }

    /// `GET`s as `step` of the story.
    pub(super) async fn get(
        &self,
        step: &'static str,
        path: &str,
        token: &str,
    ) -> Result<Answer, StoryError> {
        self.call(step, Method::GET, path, Some(token), None).await
    }

    async fn call(
        &self,
        step: &'static str,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, StoryError> {
        let failed = |error: reqwest::Error| StoryError { step, detail: error.to_string() };
        let mut request = self.http.request(method, format!("{}{path}", self.base_url)).timeout(PATIENCE);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(failed)?;
        let body = serde_json::from_slice(&bytes)
            .map_err(|error| StoryError { step, detail: format!("{status}, and no JSON: {error}") })?;
        Ok(Answer { step, status, body })
    }
}

impl Answer {
    /// The body, if the status is the expected one.
    pub(super) fn expect(self, status: StatusCode) -> Result<Self, StoryError> {
        if self.status == status {
            return Ok(self);
        }
        let named = self.body["step"].as_str().map(|step| format!(" by {step}")).unwrap_or_default();
        let detail = self.body["detail"].as_str().unwrap_or("no detail");
        Err(self.wrong(&format!("answered {}{named}: {detail}", self.status)))
    }

    /// A member of the body that must be text; `/` leads into nested members.
    pub(super) fn text(&self, member: &str) -> Result<&str, StoryError> {
        let found = self.body.pointer(&format!("/{member}")).and_then(Value::as_str);
        found.ok_or_else(|| self.wrong(&format!("the answer lacks {member}")))
    }

    /// A member of the body that must be a list.
    pub(super) fn list(&self, member: &str) -> Result<&[Value], StoryError> {
        let found = self.body.pointer(&format!("/{member}")).and_then(Value::as_array);
        found.map(Vec::as_slice).ok_or_else(|| self.wrong(&format!("the answer lacks the list {member}")))
    }

    /// A member of the body that must be a whole number.
    pub(super) fn number(&self, member: &str) -> Result<u64, StoryError> {
        let found = self.body.pointer(&format!("/{member}")).and_then(Value::as_u64);
        found.ok_or_else(|| self.wrong(&format!("the answer lacks the number {member}")))
    }

    /// The step of this answer did not hold.
    pub(super) fn wrong(&self, detail: &str) -> StoryError {
        StoryError { step: self.step, detail: detail.to_owned() }
    }
}
