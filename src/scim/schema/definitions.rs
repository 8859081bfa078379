//! The attributes of RFC 7643 that are known here, and Provost's own.

use super::{
    CORE_GROUP, CORE_USER, ENTERPRISE_USER, PROVOST_USER, ResourceType, Schema,
    attribute::{Attribute, Kind, boolean, complex, of_kind, text},
};

/// What the client calls the resource.
pub static EXTERNAL_ID: Attribute = text("externalId", "What the client calls it.").exact();

const NAME: &[Attribute] = &[
    text("formatted", "The whole name."),
    text("familyName", "Family name."),
    text("givenName", "Given name."),
    text("middleName", "Middle names."),
    text("honorificPrefix", "Title before the name."),
    text("honorificSuffix", "What follows the name."),
];

/// Of what there are many: an e-mail address, a telephone number.
const VALUE: &[Attribute] = &[
    text("value", "The value."),
    text("display", "How to show it."),
    text("type", "What it is for, such as work."),
    boolean("primary", "Whether it is the one to be used first."),
];

const EMAIL: &[Attribute] = &[
    of_kind("value", Kind::Email, "The address."),
    text("display", "How to show it."),
    text("type", "What it is for, such as work."),
    boolean("primary", "Whether it is the one to be used first."),
];

const PHOTO: &[Attribute] = &[
    of_kind("value", Kind::Reference, "Where it is."),
    text("display", "How to show it."),
    text("type", "What it is for."),
    boolean("primary", "Whether it is the one to be used first."),
];

const CERTIFICATE: &[Attribute] = &[
    of_kind("value", Kind::Binary, "The certificate.").exact(),
    text("display", "How to show it."),
    text("type", "What it is for."),
    boolean("primary", "Whether it is the one to be used first."),
];

const ADDRESS: &[Attribute] = &[
    of_kind("formatted", Kind::Lines, "The whole address."),
    of_kind("streetAddress", Kind::Lines, "Street and number."),
    text("locality", "City."),
    text("region", "State or region."),
    text("postalCode", "Postal code."),
    text("country", "Country."),
    text("type", "What it is for, such as work."),
    boolean("primary", "Whether it is the one to be used first."),
];

const GROUP_OF_USER: &[Attribute] = &[
    text("value", "The group's id.").read_only(),
    of_kind("$ref", Kind::Reference, "Where the group is.").read_only(),
    text("display", "The group's name.").read_only(),
    text("type", "How they are a member: direct.").read_only(),
];

const MANAGER: &[Attribute] = &[
    text("value", "The id of the person whom they report to.").exact(),
    of_kind("$ref", Kind::Reference, "Where that person is.").read_only(),
    text("displayName", "That person's name.").read_only(),
];

const MEMBER: &[Attribute] = &[
    text("value", "The id of a person.").exact(),
    of_kind("$ref", Kind::Reference, "Where that person is."),
    text("type", "User: groups have no groups in them."),
    text("display", "That person's name."),
];

static USER_SCHEMA: Schema = Schema {
    urn: CORE_USER,
    name: "User",
    doc: "A person.",
    attributes: &[
        text("userName", "The new password.").required().unique(),
        complex("name", NAME, "Their name."),
        text("displayName", "The name to be shown."),
        text("nickName", "What friends call them."),
        of_kind("profileUrl", Kind::Reference, "A page about them."),
        text("title", "Job title."),
        text("userType", "Kind of employment."),
        text("preferredLanguage", "The language that they would rather read."),
        text("locale", "Where they are, for numbers and dates."),
        text("timezone", "IANA time zone."),
        boolean("active", "Whether they may sign in."),
        complex("emails", EMAIL, "Where they get mail.").many(),
        complex("phoneNumbers", VALUE, "Where they are called.").many(),
        complex("ims", VALUE, "Where they chat.").many(),
        complex("photos", PHOTO, "What they look like.").many(),
        complex("addresses", ADDRESS, "Where they are.").many(),
        complex("groups", GROUP_OF_USER, "The groups that they are in.")
            .many()
            .read_only(),
        complex("entitlements", VALUE, "What they are entitled to.").many(),
        complex("roles", VALUE, "What they are elsewhere; gives no role here.").many(),
        complex("x509Certificates", CERTIFICATE, "Their certificates.").many(),
    ],
};

static ENTERPRISE_SCHEMA: Schema = Schema {
    urn: ENTERPRISE_USER,
    name: "EnterpriseUser",
    doc: "What enterprises say of a person.",
    attributes: &[
        text("employeeNumber", "Their number."),
        text("costCenter", "Cost centre."),
        text("organization", "Organization."),
        text("division", "Division."),
        text("department", "Department."),
        complex("manager", MANAGER, "The person whom they report to."),
    ],
};

static PROVOST_SCHEMA: Schema = Schema {
    urn: PROVOST_USER,
    name: "ProvostUser",
    doc: "What Provost knows of a person beside.",
    attributes: &[text("orgUnit", "The code of the org unit that they belong to.")],
};

static GROUP_SCHEMA: Schema = Schema {
    urn: CORE_GROUP,
    name: "Group",
    doc: "A group of people.",
    attributes: &[
        text("displayName", "Its display name.").required().unique(),
        complex("members", MEMBER, "The people who are in it.")
            .many()
            .unbounded(),
    ],
};

/// Users.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    doc: "People.",
    core: &USER_SCHEMA,
    extensions: &[&ENTERPRISE_SCHEMA, &PROVOST_SCHEMA],
    keeps_others: true,
};

/// Groups.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    doc: "Groups of people.",
    core: &GROUP_SCHEMA,
    extensions: &[],
    keeps_others: false,
};
