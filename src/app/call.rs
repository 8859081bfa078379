//! An authenticated call: what every handler takes.

use std::{
    future::{Ready, ready},
    rc::Rc,
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web::Data};
use uuid::Uuid;

use super::{Acting, App, IdempotencyKey, Tx, idempotency};
use crate::{
    authz::{self, Caller, Protected},
    db::Pipeline,
    http::{
        ApiError, ApiResult, Ref, Reply,
        query::UnreadParameters,
        request::{Deadline, RequestId},
    },
};

/// The session that a request's token belongs to, left by the authentication; none for programs.
#[derive(Debug, Clone, Copy)]
pub struct CallerSession(pub Option<Uuid>);

/// An authenticated call. The authentication middleware leaves the caller in the request; this picks it up.
#[derive(Clone)]
pub struct Call {
    /// The process's state.
    pub app: Arc<App>,
    acting: Acting,
    idempotency: Option<IdempotencyKey>,
    parameters: UnreadParameters,
    pipeline: Option<Rc<Pipeline>>,
}

impl Call {
    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.acting.caller
    }

    /// The same call, whatever parameters it has: clients of SCIM add flags of their own.
    pub fn taking_any_parameters(self) -> Self {
        Call {
            parameters: UnreadParameters::default(),
            ..self
        }
    }

    /// The thing that `id` names, without a database thread; none where the pipeline has no answer: then [`Self::read`] decides.
    pub async fn read_quickly<T: Protected>(&self, id: &Ref<T>) -> ApiResult<Option<T>> {
        let Some(pipeline) = &self.pipeline else {
            return Ok(None);
        };
        self.parameters.refuse()?;
        authz::read_quickly(pipeline, self.caller(), self.app.clock.now(), id).await
    }

    /// Reads on a database thread.
    pub async fn read<T: Send + 'static>(
        self,
        f: impl FnOnce(&mut Tx) -> ApiResult<T> + Send + 'static,
    ) -> ApiResult<T> {
        self.parameters.refuse()?;
        let acting = self.acting;
        self.app
            .on_database(move |app, conn| app.read(conn, &acting, f))
            .await
    }

    /// Writes on a database thread, in one transaction with its events, jobs and idempotency record.
    pub async fn write(self, f: impl Fn(&mut Tx) -> ApiResult<Reply> + Send + 'static) -> ApiResult<Reply> {
        let Call {
            app,
            acting,
            idempotency,
            parameters,
            pipeline: _,
        } = self;
        parameters.refuse()?;
        app.on_database(move |app, conn| {
            app.write(conn, &acting, |tx| match &idempotency {
                Some(key) => idempotency::once(tx, key, &f),
                None => f(tx),
            })
        })
        .await
    }

    /// Writes on a database thread, in a transaction with neither a deadline nor an idempotency record: for requests that last
    /// as long as their body arrives.
    pub async fn write_lasting<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Tx) -> ApiResult<T> + Send + 'static,
    ) -> ApiResult<T> {
        self.parameters.refuse()?;
        let acting = Acting {
            deadline: None,
            ..self.acting.clone()
        };
        self.app
            .on_database(move |app, conn| app.write(conn, &acting, f))
            .await
    }
}

impl FromRequest for Call {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let call = from_extensions(request);
        if let Ok(call) = &call {
            request.extensions_mut().insert(call.parameters.clone());
        }
        ready(call)
    }
}

fn from_extensions(request: &HttpRequest) -> ApiResult<Call> {
    let missing = |what: &str| {
        ApiError::internal(format!(
            "the {what} is not in the request: a route outside its scope"
        ))
    };
    let app = request
        .app_data::<Data<App>>()
        .ok_or_else(|| missing("app"))?
        .clone()
        .into_inner();
    let extensions = request.extensions();
    let caller = extensions
        .get::<Arc<Caller>>()
        .ok_or_else(|| missing("caller"))?
        .clone();
    let request_id = extensions
        .get::<RequestId>()
        .ok_or_else(|| missing("request id"))?
        .0
        .clone();
    let session = extensions.get::<CallerSession>().and_then(|session| session.0);
    Ok(Call {
        app,
        acting: Acting {
            caller,
            session,
            request_id,
            deadline: extensions.get::<Deadline>().map(|deadline| deadline.0),
        },
        idempotency: extensions.get::<IdempotencyKey>().cloned(),
        parameters: UnreadParameters::of(request),
        pipeline: request.app_data::<Rc<Pipeline>>().cloned(),
    })
}
