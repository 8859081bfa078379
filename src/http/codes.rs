//! The one table of error codes.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:ident $code:literal $title:literal $meaning:literal;)*) => {
        /// What went wrong, for programs: stable, and documented with its status and title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $meaning] $(#[$doc])* $variant,)*
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

            /// What the code means, in a sentence for the documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    MalformedRequest = BAD_REQUEST "malformed_request" "Malformed request"
        "The body or the address cannot be read";
    InvalidParameter = BAD_REQUEST "invalid_parameter" "Invalid parameter"
        "A parameter is not valid";
    InvalidFilter = BAD_REQUEST "invalid_filter" "Invalid filter"
        "The filter is not valid";
    InvalidCursor = BAD_REQUEST "invalid_cursor" "Invalid cursor"
        "The cursor is not valid";
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Access token required"
        "The request has no valid access token";
    Forbidden = FORBIDDEN "forbidden" "Permission denied"
        "The caller lacks a permission, here or in this scope";
    NotFound = NOT_FOUND "not_found" "Not found"
        "Nothing has this id, or the caller may not see it";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed"
        "This address does not answer that method";
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "Request timeout"
        "The request did not arrive in time";
    Conflict = CONFLICT "conflict" "Conflict with the current state"
        "The change does not fit the current state";
    AlreadyExists = CONFLICT "already_exists" "Value already in use"
        "Another object has this value";
    RequestInProgress = CONFLICT "request_in_progress" "Request in progress"
        "A request with this idempotency key is still running";
    NotAcceptable = NOT_ACCEPTABLE "not_acceptable" "Not acceptable"
        "The client accepts none of the representations";
    PreconditionFailed = PRECONDITION_FAILED "precondition_failed" "Version conflict"
        "The object changed since the caller read it";
    LengthRequired = LENGTH_REQUIRED "length_required" "Content-Length required"
        "The request must say how long its body is";
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large" "Body too large"
        "The body is too large";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type"
        "This address does not take bodies of this media type";
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed" "Validation failed"
        "Some fields are not valid";
    IdempotencyMismatch = UNPROCESSABLE_ENTITY "idempotency_mismatch" "Idempotency key reused"
        "The idempotency key was used with another request";
    PreconditionRequired = PRECONDITION_REQUIRED "precondition_required" "If-Match required"
        "The request needs If-Match with the ETag that was read";
    TooManyRequests = TOO_MANY_REQUESTS "too_many_requests" "Too many requests"
        "The caller sent too many requests; Retry-After says when to go on";
    Internal = INTERNAL_SERVER_ERROR "internal" "Internal error"
        "Something went wrong in Provost; the log has the cause";
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "Service unavailable"
        "Provost cannot answer right now";
    // People
    OrgUnitCycle = CONFLICT "org_unit_cycle" "Org unit cycle"
        "A unit cannot be below itself";
    OrgUnitNotEmpty = CONFLICT "org_unit_not_empty" "Org unit not empty"
        "The unit still has users or units";
    ManagerCycle = CONFLICT "manager_cycle" "Manager cycle"
        "A person cannot report to themselves, directly or through others";
    GroupIsDynamic = CONFLICT "group_is_dynamic" "Group is dynamic"
        "The members of a dynamic group come from its filter";
    UserArchived = CONFLICT "user_archived" "User archived"
        "The user is archived";
    AttributeInUse = CONFLICT "attribute_in_use" "Attribute in use"
        "The attribute is in use";
    // Access
    RoleBuiltIn = CONFLICT "role_built_in" "Built-in role"
        "Built-in roles cannot be changed";
    RoleInUse = CONFLICT "role_in_use" "Role in use"
        "The role has grants";
    CredentialsRefused = FORBIDDEN "credentials_refused" "Credentials refused"
        "The password or token is wrong, expired or used";
    SecretLimitReached = CONFLICT "secret_limit_reached" "Secret limit reached"
        "The service account has two secrets already";
    MailNotSetUp = CONFLICT "mail_not_set_up" "Mail server not configured"
        "Provost has no mail server";
    UserNotInvited = CONFLICT "user_not_invited" "User not invited"
        "Only invited users choose a first password";
    GrantExceedsCaller = FORBIDDEN "grant_exceeds_caller" "Grant exceeds the caller's permissions"
        "Callers grant only what they hold";
    // Files
    UploadIncomplete = CONFLICT "upload_incomplete" "Upload incomplete"
        "The upload lacks bytes, or is still being put together";
    UploadOffsetMismatch = CONFLICT "upload_offset_mismatch" "Upload offset mismatch"
        "The bytes do not go on where the upload ends";
    StorageFull = CONFLICT "storage_full" "Storage full"
        "The file does not fit into the academy's storage";
    ChecksumMismatch = BAD_REQUEST "checksum_mismatch" "Checksum mismatch"
        "The bytes do not have the checksum that came with them; answered with status 460, as tus has it";
    TusVersionUnsupported = PRECONDITION_FAILED "tus_version_unsupported" "Version of tus not supported"
        "The header Tus-Resumable names no version that Provost speaks";
    // Catalog
    CourseHasNoModules = CONFLICT "course_has_no_modules" "Course without modules"
        "A course without modules cannot be published";
    CourseUnchanged = CONFLICT "course_unchanged" "Course unchanged"
        "Nothing changed since the last published version";
    CourseRetired = CONFLICT "course_retired" "Course retired"
        "The course is retired";
    CourseNotPublished = CONFLICT "course_not_published" "Course not published"
        "The course has no published version";
    CategoryNotEmpty = CONFLICT "category_not_empty" "Category not empty"
        "The category still has courses or contents";
    ContentInUse = CONFLICT "content_in_use" "Content in use"
        "Courses use the content";
    PackageRefused = UNPROCESSABLE_ENTITY "package_refused" "Package refused"
        "The uploaded package cannot be used";
    // Enrollment
    ContentBlocksPublishing = CONFLICT "content_blocks_publishing" "Content blocks publishing"
        "A content that the course uses is archived, or findings about it block publishing";
    CandidateClosed = CONFLICT "candidate_closed" "Candidate closed"
        "The candidate was published or withdrawn";
    CandidateOutdated = CONFLICT "candidate_outdated" "Candidate outdated"
        "A later version was published after the candidate was frozen";
    CandidateNotApproved = CONFLICT "candidate_not_approved" "Candidate not approved"
        "Not all testers approved the candidate";
    VerdictGiven = CONFLICT "verdict_given" "Verdict given"
        "The tester decided already";
    EnrollmentIsNoTest = CONFLICT "enrollment_is_no_test" "Enrollment is no test"
        "The enrollment is not one of a tester";
    AlreadyEnrolled = CONFLICT "already_enrolled" "Already enrolled"
        "The user has a live enrollment in this course";
    EnrollmentNotLive = CONFLICT "enrollment_not_live" "Enrollment ended"
        "The enrollment has ended";
    ProgressIsTracked = CONFLICT "progress_is_tracked" "Progress is tracked"
        "Progress follows from the activities of the course";
    RuleNotReady = CONFLICT "rule_not_ready" "Rule not ready"
        "The rule cannot be activated yet";
    RuleArchived = CONFLICT "rule_archived" "Rule archived"
        "The rule is archived";
    CompletionExists = CONFLICT "completion_exists" "Completion exists"
        "The completion is recorded already, with other details";
    CompletionSuperseded = CONFLICT "completion_superseded" "Completion already corrected"
        "The completion was corrected already";
    // Learning
    ActivityLocked = CONFLICT "activity_locked" "Activity locked"
        "Other activities must be completed first";
    AttemptsUsedUp = CONFLICT "attempts_used_up" "Attempts used up"
        "The learner has no attempt left";
    LaunchSuperseded = CONFLICT "launch_superseded" "Launch superseded"
        "A newer launch of the same attempt took over";
    LaunchEnded = GONE "launch_ended" "Launch ended"
        "The address of the launch is no longer valid";
    // Plans
    PlanRequired = CONFLICT "plan_required" "Plan required"
        "An active rule is changed by a plan that is applied";
    PlanStale = CONFLICT "plan_stale" "Plan out of date"
        "Facts changed since the plan was made";
    PlanRemovesTooMuch = CONFLICT "plan_removes_too_much" "Plan removes too much"
        "The plan ends more than was allowed";
    ImportFileInvalid = UNPROCESSABLE_ENTITY "import_file_invalid" "Unreadable import file"
        "The file cannot be read with this profile";
    ImportNotPlanned = CONFLICT "import_not_planned" "Import not planned"
        "The import has no plan to apply";
    OperationFinished = CONFLICT "operation_finished" "Operation finished"
        "The operation has finished";
    JobNotDead = CONFLICT "job_not_dead" "Job not dead"
        "Only a dead job can be retried";
    // SCIM
    InvalidPath = BAD_REQUEST "invalid_path" "Invalid SCIM path"
        "The path of a SCIM PATCH names no attribute";
    NoTarget = BAD_REQUEST "no_target" "SCIM path without a target"
        "The path of a SCIM PATCH finds no value";
    ReadOnly = BAD_REQUEST "read_only" "Read-only attribute"
        "The attribute cannot be changed";
    // Credentials
    CertificateNotIssued = CONFLICT "certificate_not_issued" "Certificate not in force"
        "The certificate is not in force";
}
