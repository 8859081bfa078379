//! What was found wrong with a content version when it was read: for people who fix it.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{json_column, text_enum};

text_enum! {
    /// How bad a finding is.
    FindingSeverity {
        /// Learners cannot take the content, or it never completes.
        Error = "error",
        /// Some learners cannot use all of it.
        Warning = "warning",
        /// Good to know.
        Info = "info",
    }
}

macro_rules! finding_codes {
    ($($variant:ident = $code:literal $severity:ident $wcag:expr, $meaning:literal;)*) => {
        text_enum! {
            /// What was found.
            FindingCode {
                $(#[doc = $meaning] $variant = $code,)*
            }
        }

        impl FindingCode {
            /// How bad it is.
            pub fn severity(self) -> FindingSeverity {
                match self { $(FindingCode::$variant => FindingSeverity::$severity,)* }
            }

            /// The success criterion of WCAG 2.2 that it fails, where it fails one.
            pub fn wcag(self) -> Option<&'static str> {
                match self { $(FindingCode::$variant => $wcag,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(FindingCode::$variant => $meaning,)* }
            }
        }
    };
}

finding_codes! {
    PackageRefused = "package_refused" Error None, "The package cannot be used.";
    LaunchFileMissing = "launch_file_missing" Error None, "A file that learners would open is not in the package.";
    LaunchElsewhere = "launch_elsewhere" Error None, "A part that learners would open lies on another server, where it cannot report to the player.";
    FileMissing = "file_missing" Warning None, "A file that the manifest names is not in the package.";
    CaseMismatch = "case_mismatch" Warning None, "The manifest and the package write a file's name with other letters, capital or small.";
    NoCompletion = "no_completion" Error None, "No script of the package reports that the learner completed it.";
    SequencingUnsupported = "sequencing_unsupported" Warning None, "The package uses SCORM 2004 sequencing, which the player does not follow.";
    ManifestValueInvalid = "manifest_value_invalid" Warning None, "The manifest has a value that its standard does not know, and that is not used.";
    PrerequisitesUnsupported = "prerequisites_unsupported" Info None, "The package has prerequisites between its parts, which are not enforced.";
    LanguageMissing = "language_missing" Warning Some("3.1.1"), "A page does not say its language, so screen readers may speak it wrongly.";
    TitleMissing = "title_missing" Warning Some("2.4.2"), "A page has no title.";
    AltMissing = "alt_missing" Warning Some("1.1.1"), "Images have no text alternative.";
    CaptionsMissing = "captions_missing" Warning Some("1.2.2"), "A video has no captions.";
    PdfUntagged = "pdf_untagged" Warning Some("1.3.1"), "A PDF file has no tags, so screen readers cannot tell its headings, lists and tables.";
    ExternalAddress = "external_address" Info None, "A page loads something from another server, which may be gone or watch learners.";
    InsecureAddress = "insecure_address" Warning None, "A page loads something by http, which browsers refuse on https pages.";
    Flash = "flash" Warning None, "The package has Flash files, which no browser plays.";
}

/// Something that was found wrong with a content version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What was found.
    pub code: FindingCode,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// What was found, with names.
    pub message: String,
    /// How to fix it.
    pub fix: String,
    /// The file that it is about.
    #[serde(default)]
    pub path: Option<String>,
    /// The success criterion of WCAG 2.2 that it fails.
    #[serde(default)]
    #[schema(example = "1.1.1")]
    pub wcag: Option<String>,
}

impl Finding {
    /// A finding of this kind.
    pub fn new(code: FindingCode, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Finding {
            code,
            severity: code.severity(),
            message: message.into(),
            fix: fix.into(),
            path: None,
            wcag: code.wcag().map(str::to_owned),
        }
    }

    /// As it is, about a file.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}

/// The findings about a content version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(transparent)]
#[diesel(sql_type = Jsonb)]
pub struct Findings(pub Vec<Finding>);

json_column!(Findings);
