//! Names of people who do not exist: any given name with any family name of the same culture.

use super::random::Random;

/// Names of one culture; a name in another script, or with letters that have no plain one, is followed by `/` and its
/// plain form.
struct Culture {
    given: &'static str,
    family: &'static str,
}

/// In the order of [`super::structure::SITES`].
const CULTURES: [Culture; 8] = [
    Culture {
        given: "Inês João Beatriz Tomás Lurdes Nuno Catarina Duarte Leonor Rui Graça Vasco Mafalda Simão",
        family: "Almeida Brandão Carvalhal Esteves Figueira Lourenço Magalhães Nóbrega Pestana Quintela Serrão Taveira Valadão Ximenes",
    },
    Culture {
        given: "Łukasz Zofia Paweł Agnieszka Michał Kinga Grzegorz Małgorzata Jędrzej Bożena Wojciech Iga Stanisław Hanna",
        family: "Bąk Czajka Dąbek Głowacz Jaworek Kępa Łoś Malec Nowicz Ostrowik Pięta Sikora Wąsik Żuraw",
    },
    Culture {
        given: "Zoë Daan Femke Joris Anouk Thijs Marleen Koen Sanne Bram Noëlle Ruben Lotte Pieter",
        family: "Achterberg Bloemink Dijkhof Eikelaar Goosens Hoekzema Kuipervoort Loenhout Meerdink Nijland Oosterveen Roelvink Teunis Zandbelt",
    },
    Culture {
        given: "Aarav Ananya Dev Ishita Kabir Meera Nikhil Priyanka Rohan Saanvi Tejas Usha Vikram Yamini",
        family: "Acharekar Bhonsle Chitnis Deshkar Gokhare Iyengarkar Joglikar Kulkarne Mahadkar Naiker Pendsay Ranadive Sathewar Talwalker",
    },
    Culture {
        given: "Sofía Andrés Ximena Joaquín Lucía Iñaki Marisol Héctor Renata Emiliano Dulce Óscar Paloma Saúl",
        family: "Arredondo Barragán Cienfuegos Delgadillo Escamilla Garibay Huerta Lazcano Muñiz Olvera Peñaloza Quiñones Treviño Zúñiga",
    },
    Culture {
        given: "芳/fang 伟/wei 静/jing 磊/lei 敏/min 涛/tao 丽/li 强/qiang 娜/na 军/jun 洋/yang 艳/yan 勇/yong 雪/xue",
        family: "林/lin 郭/guo 何/he 罗/luo 宋/song 郑/zheng 谢/xie 韩/han 唐/tang 冯/feng 于/yu 董/dong 萧/xiao 程/cheng",
    },
    Culture {
        given: "محمد/mohamed فاطمة/fatima يوسف/youssef خديجة/khadija عمر/omar سلمى/salma إدريس/idriss نادية/nadia حمزة/hamza زينب/zineb كريم/karim ليلى/leila أمين/amine هدى/houda",
        family: "البرنوصي/elbernoussi التازي/tazi الحداد/haddad السباعي/sbai الفاسي/fassi القادري/kadiri المنصوري/mansouri الوزاني/ouazzani بنجلون/benjelloun زروال/zeroual شرايبي/chraibi عمراني/amrani لحلو/lahlou مرنيسي/mernissi",
    },
    Culture {
        given: "Aino Eetu Helmi Jussi Kaarina Lauri Minttu Onni Päivi Risto Säde Tuomas Väinö Ylermi",
        family: "Aarnikoski Eerola Haavisto Jyrkilä Koivuoja Lähdemäki Mäkisalo Niinikangas Peltoaho Rautapää Särkilahti Tuomivaara Vähäkoski Ylitörmä",
    },
];

/// How many cultures there are.
pub const COUNT: usize = CULTURES.len();

/// A name, and what it is in plain letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// `given.family` in plain lower-case letters.
    pub plain: String,
}

/// A name of the culture.
pub fn make(random: &mut Random, culture: usize) -> Name {
    let culture = &CULTURES[culture % COUNT];
    let (given, plain_given) = one(random, culture.given);
    let (family, plain_family) = one(random, culture.family);
    Name {
        given,
        family,
        plain: format!("{plain_given}.{plain_family}"),
    }
}

fn one(random: &mut Random, names: &str) -> (String, String) {
    let names: Vec<&str> = names.split_whitespace().collect();
    let name = random.pick(&names).unwrap_or_default();
    match name.split_once('/') {
        Some((shown, plain)) => (shown.to_owned(), plain.to_owned()),
        None => (name.to_owned(), plain(name)),
    }
}

fn plain(name: &str) -> String {
    name.to_lowercase().chars().map(plain_letter).collect()
}

fn plain_letter(letter: char) -> char {
    match letter {
        'á' | 'ã' | 'â' | 'ä' | 'ą' => 'a',
        'ç' | 'ć' => 'c',
        'é' | 'ê' | 'ë' | 'ę' => 'e',
        'í' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' => 'n',
        'ó' | 'õ' | 'ô' | 'ö' => 'o',
        'ś' => 's',
        'ú' | 'ü' => 'u',
        'ż' | 'ź' => 'z',
        plain => plain,
    }
}
