//! Given names that are one name: short forms, and spellings of other languages and alphabets.
//!
//! A table, because no measure of letters finds `Bill` for `William` or `Evhen` for `Yevgeny`. Folded, one group a
//! line; a name may stand in several groups. Sound-alikes (`Mohammed`, `Muhamad`) need no entry: their codes
//! agree; those that are here are written too differently for that, or begin with another sound.

/// The groups.
const GROUPS: &[&str] = &[
    "abigail abi abbie abby gail",
    "abdullah abdallah abdulla abdul",
    "adam adem",
    "ahmed ahmad ahmet ahmat",
    "aisha ayesha aysha aishah ayse aicha",
    "alexander alex alec alek aleksander aleksandr oleksandr oleksander sasha sacha sandy xander lex alessandro \
     alejandro iskander aleks olek",
    "alexandra alex aleksandra oleksandra sasha sacha sandra lexi lexie lex alexa sandy ola",
    "alfred alfie alf fred freddie",
    "ali aly alli",
    "amelia amy millie milly mia emilia",
    "amina aminah aamina ameena amna",
    "andrew andy drew andrei andrey andriy andrzej andreas andre andrea anders ondrej andrija andras",
    "angela angie angel angelina",
    "anna ann anne annie hannah hanna ania anya hania nancy ana anca",
    "anthony tony anton antony antoni antonio ant",
    "archibald archie",
    "arthur art artie artur arturo",
    "barbara babs barb basia",
    "benjamin ben benny benji binyamin benyamin",
    "bartholomew bart barty bartosz bartek bartlomiej",
    "brandon bran",
    "bridget bridie brigid brigita biddy",
    "caroline carrie caro karolina carolina lina carol",
    "catherine cathy kate katie katy kathryn katherine kathleen kat kit kitty katarzyna kasia katerina ekaterina \
     kateryna katya caitlin catrin cate yekaterina katarina",
    "charles charlie chas chuck chaz karl carl carlos karol",
    "charlotte charlie lottie lotte char",
    "christina chris tina krystyna kristina cristina christine chrissie kirsty kristyna",
    "christopher chris kit topher krzysztof kristof cristopher kris krystof khrystofor christos",
    "daniel dan danny danyal daniyal danylo danil danilo daniele",
    "daniella dani danielle daniela danuta",
    "david dave davey dafydd dai davide dawid daud dawood daoud davit",
    "deborah debbie debra deb",
    "dmitry dmytro dima dimitri dmitri dimitrios dimitar",
    "dominic dom dominik nic nick",
    "dorothy dot dotty dora",
    "edward ed eddie ted teddy ned edek eduard edvard eduardo",
    "eleanor ellie nell nellie nora elena ella elinor lenore eleonora leonora",
    "elizabeth liz lizzie beth betty eliza elsie libby lisa bess betsy elisabeth elspeth elzbieta ela yelizaveta \
     liza erzsebet elisabeta elise isabel lilibet bettina elisaveta",
    "emily em emmy emilie emilia millie milly emi",
    "emma em emmy",
    "eve eva evie ewa yeva iva",
    "evgeny yevgeny yevhen evhen eugene gene eugen evgeni zhenya jenya eugeniusz ievgen",
    "fatima fatma fatimah fatemeh fatoumata fatou fatuma",
    "florence flo florrie flossie",
    "frances fran fanny franny francesca frankie franciszka",
    "francis frank frankie fran francesco francisco franz franciszek ferenc frantisek",
    "frederick fred freddie freddy fryderyk fritz federico",
    "gabriel gabe gabi gavril jibril gabor havryil",
    "gabriella gabby gabi gabrielle ella gabriela",
    "george georgie jorge georgi georgios giorgi jerzy yuri yury yuriy iurii gyorgy jurek egor yegor jiri jurij",
    "georgina georgie georgia gina george georgiana",
    "grace gracie graca",
    "gregory greg gregor grzegorz grigory hryhorii grigor",
    "harrison harry",
    "harriet hattie harry hettie",
    "hassan hasan hassaan",
    "helen ellen helena nell elena olena yelena ilona lena eleni aileen jelena",
    "henry harry hal hank henrik henryk enrique heinrich henri hendrik",
    "hussain hussein husain hossein husayn hossain husnain huseyin",
    "ian iain john",
    "ibrahim abraham ebrahim brahim abe ibraheem avraham ibrahima bram",
    "irene irena iryna irina ira eirini arina",
    "isaac zac ishaq zak isaak ike izaak",
    "isabella bella izzy isabel isabelle isobel izabela ysabel issy isla belle ishbel",
    "ismail ishmael ismael ismaeel esmail",
    "jacob jake jakub james jack yakub yaqub jacek jakob iakov kuba yakov jaap jacques giacomo diego",
    "jacqueline jackie jacqui jacky",
    "james jim jimmy jamie jem hamish seamus jamey santiago jaime",
    "jane janie jenny jayne sian sheena jana janina",
    "jennifer jen jenny jenna jennie",
    "jessica jess jessie jesse",
    "john jack johnny jon johnathan sean shaun shawn ian ivan jan johan johannes juan giovanni ioan ion hans evan \
     eoin owen janek jean joao yahya yehya johnnie",
    "jonathan jon jonny johnny jonathon john yonatan nathan",
    "joseph joe joey yusuf yousef youssef josef jozef giuseppe jose yosef iosif usef yousuf josip osip seosamh",
    "josephine jo josie josephina jozefina",
    "joshua josh yehoshua isa",
    "julia julie jules yulia iuliia giulia juliette yuliya jools",
    "katherine kate katie kat kathy kitty kathryn",
    "kenneth ken kenny",
    "lawrence larry laurie laurence lorenzo lars lorenz laurent wawrzyniec",
    "leo leon lev leonardo leonard lenny len lew",
    "liam william",
    "lillian lily lilly lil liliana lilian lillie liliya",
    "lucas luke luca luka lukas lukasz luc lukash",
    "lucy lucie lucia lulu lucja luz",
    "louis lewis lou louie luis ludwig ludwik luigi",
    "louise lou lulu luisa louisa ludwika",
    "madeleine maddie madeline maddy magdalena magda maddison",
    "margaret maggie meg peggy greta rita marge margo molly daisy malgorzata gosia margarita mairead megan maisie \
     marged margarida gretchen",
    "maria mary marie miriam maryam mia mariya marya molly polly mariam maryam may moira maire masha marysia mair \
     maura maureen myriam",
    "mark marcus marek marco marko markus marc marcos",
    "martha marta mattie patty",
    "martin marty marcin martyn morten marton",
    "matilda tilly mattie tilda maud mathilda",
    "matthew matt matty mateusz matteo mateo matthias matvey matvii matei mats matias matyas",
    "maximilian max maxim maxwell maks maksym maksim maxime maksymilian",
    "michael mike mick mickey mikey mikhail mykhailo michal misha mihai miguel micheal michel mikhael mikael mischa \
     mykhaylo miquel",
    "michelle shell shelly michele",
    "mohammed muhammad mohamed mohammad muhammed mo md mohd mohamad mehmet mahomed mohamud muhamad mamadou \
     mohammod mehmed magomed muhd mamadu mohammadi mahamed hamid",
    "mustafa mostafa moustapha mustapha",
    "natalia natalie natasha natalya nat tasha nataliya tash natalka",
    "nathaniel nathan nate nat",
    "nicholas nick nicky nico mikolaj mykola nikolai nicolas nikolas nikolay nicolae miklos klaus niklas nic kolya \
     mikalai claus",
    "nicole nicky nikki nicola nicolette nichola",
    "noor nur nour noora nura",
    "olivia liv livvy ollie olivka",
    "oliver ollie olly noll olivier",
    "omar umar omer umer",
    "oscar oskar ossie",
    "osman uthman usman othman ousmane ousman",
    "patricia pat patsy trish tricia patrycja patti",
    "patrick pat paddy rick padraig patryk patricio padraic",
    "paul pavel pawel pablo paolo pavlo pol pal pauli bulus",
    "penelope penny nell",
    "peter pete piotr pyotr petro pedro petr petar pierre pietro peadar butrus petros petru",
    "philip phil filip pip felipe philippe fulop",
    "qasim kasim kassim qassim kasem",
    "rachel rach rae rahel rachael raquel",
    "rebecca becky becca bex rebekah reba becki rivka",
    "richard rick dick richie rich ricky ryszard ricardo dickie rik",
    "robert bob rob bobby robbie bert roberto robin rab robb",
    "rosemary rose rosie romy",
    "rose rosie roza rosa rosalie ruza",
    "roxanne roxy roksana roxana",
    "ruth ruthie rut",
    "salma selma",
    "samantha sam sammy sammie",
    "samuel sam sammy shmuel samuil sami",
    "sarah sara sally sadie sarra zara saara soraya",
    "sebastian seb bas bastian sebastien",
    "sergey sergei serhii serhiy sergio sergiu serge serhij",
    "sophia sofia sophie zofia zsofia sofiya sofie zosia sofija soph sofya safiya",
    "siobhan shivaun chevonne shevaun joan",
    "stanley stan stas stanislaw stanislav",
    "stephen steve steven stevie stefan stepan szczepan istvan esteban etienne stephan stephane stepan szczepan stjepan",
    "stephanie steph stephie stefania stevie stefanie",
    "sulaiman suleiman suleyman solomon sulayman soleiman sulejman",
    "susan sue susie suzanne zuzanna suzie susanna zuzana zsuzsanna shoshana",
    "syed sayed said sayyid saeed seyed saad",
    "tamsin tamzin",
    "tatiana tanya tetiana tatyana tania",
    "theodore theo ted teddy fyodor fedor teodor todor fedir theodoros feodor",
    "theresa tess terry tessa teresa tereza tracy",
    "thomas tom tommy tomasz tomas tomos tam tamas tomek tommaso toma foma",
    "timothy tim timmy tymoteusz tymofii timofey timofei timoteo",
    "victoria vicky vikki tori wiktoria viktoria viktoriya vic viktoriia",
    "vincent vince vinnie vincenzo wincenty",
    "vladimir volodymyr vova vlad wlodzimierz uladzimir volodya vladimer",
    "viacheslav vyacheslav slava",
    "walter wally walt",
    "wasyl vasily vasyl basil vasile vasiliy wasil vassilis",
    "william will bill billy willy liam wilhelm willem guillermo wilf vilem wills guillaume wiliam willie",
    "winifred winnie freda fred",
    "yasmin jasmine yasmine yasmeen jasmin jazmin yasemin jas",
    "zachary zac zak zach zack zachariah zakariya zakaria zechariah zakaryya zakhar",
    "zeinab zainab zaynab zaineb zenab zynab",
    "zoe zoey zoya zoi",
];

/// Whether the two are one name.
pub(super) fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && groups(a).any(|group| groups(b).any(|other| other == group))
}

/// The other names of its groups.
pub(super) fn others(name: &str) -> impl Iterator<Item = &'static str> {
    let name = name.to_owned();
    let groups: Vec<usize> = groups(&name).collect();
    groups
        .into_iter()
        .filter_map(|group| GROUPS.get(group))
        .flat_map(|group| group.split_whitespace())
        .filter(move |other| *other != name)
}

/// The places of its groups.
fn groups(name: &str) -> impl Iterator<Item = usize> + '_ {
    table().get(name).into_iter().flatten().copied()
}

fn table() -> &'static std::collections::HashMap<&'static str, Vec<usize>> {
    static TABLE: std::sync::LazyLock<std::collections::HashMap<&'static str, Vec<usize>>> =
        std::sync::LazyLock::new(|| {
            let mut table: std::collections::HashMap<&'static str, Vec<usize>> =
                std::collections::HashMap::new();
            for (place, group) in GROUPS.iter().enumerate() {
                for name in group.split_whitespace() {
                    table.entry(name).or_default().push(place);
                }
            }
            table
        });
    &TABLE
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn short_forms_and_other_spellings_are_one_name_and_others_are_not() {
        for (a, b) in
            [("bill", "william"), ("oleksandr", "aleksander"), ("zsofia", "sophie"), ("mo", "mohammed")]
        {
            assert!(same(a, b) && same(b, a), "{a} {b}");
        }
        for (a, b) in [("william", "walter"), ("", ""), ("jane", "john"), ("alex", "alan")] {
            assert!(!same(a, b), "{a} {b}");
        }
    }
}
