//! What the made-up company is made of: divisions, departments, sites. Data only.

/// A department of a division.
pub struct Department {
    /// The division's name.
    pub division: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How many of a thousand people work there.
    pub weight: usize,
    /// What people there are called.
    pub titles: [&'static str; 2],
}

const fn department(
    division: &'static str,
    name: &'static str,
    weight: usize,
    titles: [&'static str; 2],
) -> Department {
    Department {
        division,
        name,
        weight,
        titles,
    }
}

/// Every department, by division.
pub const DEPARTMENTS: [Department; 24] = [
    department("Production", "Assembly", 150, ["Assembler", "Line Technician"]),
    department("Production", "Machining", 90, ["Machinist", "Tool Setter"]),
    department(
        "Production",
        "Quality Control",
        50,
        ["Quality Inspector", "Metrologist"],
    ),
    department("Production", "Maintenance", 50, ["Mechanic", "Electrician"]),
    department(
        "Logistics",
        "Warehouse",
        70,
        ["Warehouse Operative", "Forklift Driver"],
    ),
    department("Logistics", "Transport", 30, ["Driver", "Transport Planner"]),
    department("Logistics", "Customs", 12, ["Customs Clerk", "Trade Specialist"]),
    department(
        "Sales",
        "Key Accounts",
        40,
        ["Account Manager", "Account Executive"],
    ),
    department(
        "Sales",
        "Inside Sales",
        45,
        ["Sales Representative", "Sales Coordinator"],
    ),
    department(
        "Sales",
        "Channel Partners",
        25,
        ["Partner Manager", "Partner Analyst"],
    ),
    department(
        "Sales",
        "Marketing",
        35,
        ["Marketing Specialist", "Content Designer"],
    ),
    department(
        "Research",
        "Materials",
        40,
        ["Materials Scientist", "Laboratory Technician"],
    ),
    department(
        "Research",
        "Electronics",
        45,
        ["Electronics Engineer", "Test Engineer"],
    ),
    department(
        "Research",
        "Firmware",
        45,
        ["Firmware Engineer", "Software Engineer"],
    ),
    department(
        "IT",
        "Infrastructure",
        25,
        ["Systems Engineer", "Network Engineer"],
    ),
    department(
        "IT",
        "Applications",
        30,
        ["Application Developer", "Business Analyst"],
    ),
    department("IT", "Service Desk", 20, ["Support Agent", "Support Specialist"]),
    department("Finance", "Accounting", 30, ["Accountant", "Accounts Clerk"]),
    department("Finance", "Controlling", 18, ["Controller", "Financial Analyst"]),
    department("People", "Recruiting", 14, ["Recruiter", "Sourcing Specialist"]),
    department(
        "People",
        "Learning",
        10,
        ["Learning Designer", "Learning Administrator"],
    ),
    department("People", "Payroll", 12, ["Payroll Specialist", "Payroll Clerk"]),
    department("Service", "Customer Care", 70, ["Service Agent", "Case Manager"]),
    department(
        "Service",
        "Field Service",
        44,
        ["Field Engineer", "Service Technician"],
    ),
];

/// Where people work, and in which time zone and language. The names of [`super::names`] follow this order.
pub const SITES: [(&str, &str, &str); super::names::COUNT] = [
    ("Lisbon", "Europe/Lisbon", "pt"),
    ("Kraków", "Europe/Warsaw", "pl"),
    ("Rotterdam", "Europe/Amsterdam", "nl"),
    ("Pune", "Asia/Kolkata", "en"),
    ("Monterrey", "America/Monterrey", "es"),
    ("Suzhou", "Asia/Shanghai", "zh"),
    ("Casablanca", "Africa/Casablanca", "ar"),
    ("Tampere", "Europe/Helsinki", "fi"),
];
