//! The one table of error codes.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:ident $code:literal $title:literal;)*) => {
        /// What went wrong, for programs: stable, and documented with its status and title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $title] $(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The code as clients see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// The HTTP status that it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Code::$variant => StatusCode::$status,)* }
            }

            /// A short title, the same at every occurrence (RFC 9457, section 3.1.3).
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }
        }
    };
}

codes! {
    MalformedRequest = BAD_REQUEST "malformed_request" "The request cannot be read";
    InvalidParameter = BAD_REQUEST "invalid_parameter" "A parameter is not valid";
    InvalidFilter = BAD_REQUEST "invalid_filter" "The filter is not valid";
    InvalidCursor = BAD_REQUEST "invalid_cursor" "The cursor is not valid";
    Unauthenticated = UNAUTHORIZED "unauthenticated" "A valid access token is needed";
    Forbidden = FORBIDDEN "forbidden" "The caller lacks a permission";
    NotFound = NOT_FOUND "not_found" "There is no such thing, or the caller may not see it";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "This address does not answer that method";
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "The request did not arrive in time";
    Conflict = CONFLICT "conflict" "The change does not fit the present state";
    AlreadyExists = CONFLICT "already_exists" "Something else has this value already";
    RequestInProgress = CONFLICT "request_in_progress" "A request with this idempotency key is being worked on";
    NotAcceptable = NOT_ACCEPTABLE "not_acceptable" "No representation that the client accepts";
    PreconditionFailed = PRECONDITION_FAILED "precondition_failed" "It changed since it was read";
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "The body is too large";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body's media type is not taken here";
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed" "Some fields are not valid";
    IdempotencyMismatch = UNPROCESSABLE_ENTITY "idempotency_mismatch" "The idempotency key was used with another request";
    PreconditionRequired = PRECONDITION_REQUIRED "precondition_required" "If-Match is needed";
    TooManyRequests = TOO_MANY_REQUESTS "too_many_requests" "Too many requests";
    Internal = INTERNAL_SERVER_ERROR "internal" "Something went wrong on our side";
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Provost cannot answer right now";
    // People
    OrgUnitCycle = CONFLICT "org_unit_cycle" "A unit cannot stand below itself";
    OrgUnitNotEmpty = CONFLICT "org_unit_not_empty" "The unit still has people or units";
    ManagerCycle = CONFLICT "manager_cycle" "A person cannot report to themselves";
    GroupIsDynamic = CONFLICT "group_is_dynamic" "The members of a dynamic group come from its filter";
    UserArchived = CONFLICT "user_archived" "The person is archived";
    AttributeInUse = CONFLICT "attribute_in_use" "The attribute is in use";
    // Access
    RoleBuiltIn = CONFLICT "role_built_in" "Built-in roles cannot be changed";
    RoleInUse = CONFLICT "role_in_use" "The role is granted to somebody";
    CredentialsRefused = FORBIDDEN "credentials_refused" "The password or token does not count";
    SecretLimitReached = CONFLICT "secret_limit_reached" "The account has two secrets already";
    MailNotSetUp = CONFLICT "mail_not_set_up" "Provost has no mail server";
    UserNotInvited = CONFLICT "user_not_invited" "Only who is invited chooses a first password";
    GrantExceedsCaller = FORBIDDEN "grant_exceeds_caller" "Nobody grants what they do not hold";
    // Catalog
    CourseHasNoModules = CONFLICT "course_has_no_modules" "A course without modules cannot be published";
    CourseUnchanged = CONFLICT "course_unchanged" "Nothing changed since the last published version";
    CourseRetired = CONFLICT "course_retired" "The course is retired";
    CourseNotPublished = CONFLICT "course_not_published" "The course has no published version";
    CategoryNotEmpty = CONFLICT "category_not_empty" "The category still has courses";
    // Enrollment
    AlreadyEnrolled = CONFLICT "already_enrolled" "There is a live enrollment already";
    EnrollmentNotLive = CONFLICT "enrollment_not_live" "The enrollment has ended";
    RuleNotReady = CONFLICT "rule_not_ready" "The rule cannot be activated yet";
    RuleArchived = CONFLICT "rule_archived" "The rule is archived";
    CompletionExists = CONFLICT "completion_exists" "The completion is recorded already, with other details";
    CompletionSuperseded = CONFLICT "completion_superseded" "The completion was corrected already";
    // Plans
    PlanStale = CONFLICT "plan_stale" "The plan is not the present one";
    PlanRemovesTooMuch = CONFLICT "plan_removes_too_much" "The plan ends more than was allowed";
    ImportFileInvalid = UNPROCESSABLE_ENTITY "import_file_invalid" "The file cannot be read with this profile";
    ImportNotPlanned = CONFLICT "import_not_planned" "The import has no plan to apply";
    OperationFinished = CONFLICT "operation_finished" "The operation has finished";
    JobNotDead = CONFLICT "job_not_dead" "Only a dead job can be retried";
    // SCIM
    InvalidPath = BAD_REQUEST "invalid_path" "The path of a SCIM PATCH names nothing that there is";
    NoTarget = BAD_REQUEST "no_target" "The path of a SCIM PATCH finds no value";
    ReadOnly = BAD_REQUEST "read_only" "The attribute cannot be changed";
    // Credentials
    CertificateNotIssued = CONFLICT "certificate_not_issued" "The certificate is not in force";
}
