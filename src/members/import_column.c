#include "import_column.h"

#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "member_value.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"

#define COLUMN_NAME 128 /* characters of a header that are looked at */

/* Headers as people write them, in et, ru, en, lv, lt, pl, cs, de, sv and fi; a
 * field's own name is not repeated. Marks and accents make no difference. */
static const struct {
    const char *field;
    const char *headers; /* separated by '|' */
} synonyms[] = {
    {"email",
     "mail|e-mail address|e-mail|e-post|e-posti aadress|epostiaadress|meil|meiliaadress|почта|"
     "эл. почта|электронная почта|эл. адрес|емейл|имейл|адрес электронной почты|e-pasts|"
     "e-pasta adrese|el. paštas|el. pašto adresas|elektroninis paštas|adres e-mail|poczta|"
     "poczta elektroniczna|adres poczty|e-mailová adresa|elektronická pošta|e-mail-adresse|"
     "mailadresse|e-postadress|sähköposti|sähköpostiosoite"},
    {"name",
     "full name|contact|contact person|nimi|täisnimi|ees- ja perekonnanimi|kontaktisik|имя|фио|"
     "имя и фамилия|полное имя|контактное лицо|vārds|vārds uzvārds|vārds un uzvārds|vardas|"
     "vardas pavardė|vardas ir pavardė|imię|imię i nazwisko|jméno|celé jméno|jméno a příjmení|"
     "vor- und nachname|vollständiger name|ansprechpartner|namn|fullständigt namn|för- och "
     "efternamn|koko nimi|yhteyshenkilö"},
    {"first_name", "given name|eesnimi|křestní jméno|vorname|förnamn|etunimi"},
    {"last_name",
     "surname|family name|perekonnanimi|perenimi|фамилия|uzvārds|pavardė|nazwisko|příjmení|"
     "nachname|familienname|efternamn|sukunimi"},
    {"id", "external id|member id|member number|liikmenumber|liikme nr|liikme id|номер участника|"
           "номер члена|biedra numurs|nario numeris|numer członka|členské číslo|mitgliedsnummer|"
           "medlemsnummer|jäsennumero"},
    {"language",
     "languages|lang|keel|keeled|suhtluskeel|язык|языки|язык общения|valoda|valodas|kalba|kalbos|"
     "język|języki|jazyk|jazyky|sprache|sprachen|språk|kieli|kielet"},
    {"timezone",
     "time zone|tz|ajavöönd|часовой пояс|laika josla|laiko juosta|strefa czasowa|časové pásmo|"
     "zeitzone|tidszon|aikavyöhyke"},
    {"region",
     "county|piirkond|maakond|регион|уезд|область|reģions|novads|regionas|apskritis|savivaldybė|"
     "województwo|kraj|okres|landkreis|bundesland|län|alue|maakunta"},
    {"kind",
     "type|applicant|liik|liikme liik|tüüp|тип|вид|veids|tips|tipas|rūšis|rodzaj|typ|druh|art|"
     "slag|laji|tyyppi"},
    {"sector",
     "sectors|field|valdkond|valdkonnad|sektor|сектор|сфера|отрасль|nozare|sektors|sektorius|"
     "sritis|branża|dziedzina|odvětví|obor|branche|sparte|bransch|toimiala|ala|sektori"},
    {"tag",
     "tags|label|labels|silt|sildid|märksõna|märksõnad|метка|метки|тег|теги|birka|birkas|žyma|"
     "žymos|tagi|etykieta|etykiety|štítek|štítky|schlagwort|schlagworte|etikett|tagg|taggar|"
     "tunniste|tunnisteet"},
    {"joined",
     "member since|date joined|liitus|liitumise kuupäev|liige alates|дата вступления|вступил|"
     "член с|pievienojās|biedrs kopš|prisijungė|narys nuo|dołączył|data dołączenia|członek od|"
     "vstoupil|člen od|beigetreten|beitrittsdatum|mitglied seit|medlem sedan|liittynyt|"
     "jäsen alkaen"},
    {"organisation",
     "organization|company|institution|asutus|organisatsioon|ettevõte|организация|компания|"
     "учреждение|фирма|organizācija|uzņēmums|iestāde|organizacija|įmonė|įstaiga|organizacja|firma|"
     "instytucja|organizace|instituce|einrichtung|unternehmen|företag|organisaatio|yritys"},
    {"organisation_code",
     "organization code|registry code|registration number|company number|reg code|registrikood|"
     "reg. kood|регистрационный код|рег. номер|код организации|reģistrācijas numurs|įmonės kodas|"
     "regon|krs|nip|ičo|registernummer|handelsregisternummer|organisationsnummer|y-tunnus"},
    {"organisation_kind", "organization kind|organisation type"},
    {"organisation_sector", "organization sector"},
    {"organisation_region", "organization region"},
    {"organisation_web",
     "web|website|homepage|koduleht|veebileht|сайт|веб-сайт|mājaslapa|tīmekļa vietne|svetainė|"
     "strona www|strona internetowa|webové stránky|webseite|hemsida|webbplats|verkkosivu|"
     "kotisivu"},
    {"basis", "legal basis|õiguslik alus|основание|правовое основание|tiesiskais pamats|"
              "teisinis pagrindas|podstawa prawna|právní základ|rechtsgrundlage|rättslig grund|"
              "oikeusperuste"},
    {"consent_at",
     "consent date|nõusolek|nõusoleku kuupäev|дата согласия|согласие|piekrišanas datums|"
     "sutikimo data|data zgody|datum souhlasu|datum der einwilligung|einwilligungsdatum|"
     "datum för samtycke|suostumuksen päivämäärä"},
    {"consent_source",
     "nõusoleku allikas|источник согласия|piekrišanas avots|sutikimo šaltinis|źródło zgody|"
     "zdroj souhlasu|quelle der einwilligung|källa för samtycke|suostumuksen lähde"},
    {"consent_how", ""},
    {"consent_wording", ""},
    {"consent_language", ""},
    {"subscription", ""},
    {"status", ""},
    /* What our own export says besides: known, and nothing to be read. */
    {"", "uid|since"},
};

static const struct {
    const char *name;
    enum import_target target;
} targets[] = {
    {"", IMPORT_IGNORED},
    {"-", IMPORT_IGNORED},
    {"first_name", IMPORT_FIRST_NAME},
    {"last_name", IMPORT_LAST_NAME},
    {"basis", IMPORT_BASIS},
    {"consent_at", IMPORT_CONSENT_AT},
    {"consent_source", IMPORT_CONSENT_SOURCE},
    {"consent_how", IMPORT_CONSENT_HOW},
    {"consent_wording", IMPORT_CONSENT_WORDING},
    {"consent_language", IMPORT_CONSENT_LANGUAGE},
    {"subscription", IMPORT_SUBSCRIPTION},
    {"status", IMPORT_STATUS},
};

/* Letters and digits alone, in lower case and without accents. Returns the
 * length; 0 for what is too long to be a header that we know. */
static int32_t column_key(const char *text, int32_t len, UChar key[COLUMN_NAME])
{
    UChar wide[COLUMN_NAME];
    UChar parts[COLUMN_NAME * 2];
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfd = unorm2_getNFKDInstance(&status);
    int32_t count = 0;
    int32_t out = 0;

    u_strFromUTF8(wide, COLUMN_NAME, &count, text, len, &status);
    count = unorm2_normalize(nfd, wide, count, parts, COLUMN_NAME, &status);
    count = u_strFoldCase(wide, COLUMN_NAME, parts, count, U_FOLD_CASE_DEFAULT, &status);
    if (U_FAILURE(status)) {
        return 0;
    }
    for (int32_t i = 0; i < count; i++) {
        if (u_isalnum(wide[i])) {
            key[out++] = wide[i];
        }
    }
    return out;
}

static bool column_is(const UChar *key, int32_t len, const char *name, size_t name_len)
{
    UChar other[COLUMN_NAME];

    return len > 0 && column_key(name, (int32_t)name_len, other) == len &&
           u_memcmp(key, other, len) == 0;
}

static bool column_same(const char *a, const char *b)
{
    UChar key[COLUMN_NAME];
    int32_t len = column_key(a, (int32_t)strlen(a), key);

    return column_is(key, len, b, strlen(b));
}

const char *import_column_find(const char *header)
{
    UChar key[COLUMN_NAME];
    int32_t len = column_key(header, (int32_t)strlen(header), key);

    for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
        const char *at = synonyms[i].headers;

        if (column_is(key, len, synonyms[i].field, strlen(synonyms[i].field))) {
            return synonyms[i].field;
        }
        while (*at != '\0') {
            size_t end = strcspn(at, "|");

            if (column_is(key, len, at, end)) {
                return synonyms[i].field;
            }
            at += end;
            at += *at == '|';
        }
    }
    return NULL;
}

static const struct site_attribute *column_attribute(const struct site *site, const char *header)
{
    const char *key = strncmp(header, "attr.", 5) == 0 ? header + 5 : header;

    for (size_t i = 0; i < site->attribute_count; i++) {
        const struct site_attribute *attribute = &site->attributes[i];

        if (column_same(key, attribute->key)) {
            return attribute;
        }
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            const char *name = attribute->name.text[lang];

            if (name != NULL && column_same(key, name)) {
                return attribute;
            }
        }
    }
    return NULL;
}

/* The field that a header is given explicitly, or NULL. */
static const char *column_mapped(const struct members *members,
                                 const struct import_options *options, const char *header)
{
    const struct site_import *import = &members->config->site.import;

    for (size_t i = 0; i < options->mapping_count; i++) {
        if (column_same(options->mappings[i].header, header)) {
            return options->mappings[i].field;
        }
    }
    for (size_t i = 0; i < import->column_count; i++) {
        for (size_t k = 0; k < import->columns[i].header_count; k++) {
            if (column_same(import->columns[i].headers[k], header)) {
                return import->columns[i].field;
            }
        }
    }
    return NULL;
}

/* Sets *out by the name of a field; false if there is no such field. */
static bool column_set(const struct members *members, const char *field, struct import_column *out)
{
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if (strcmp(field, targets[i].name) == 0) {
            out->target = targets[i].target;
            return true;
        }
    }
    out->field = member_field_find(field);
    if (out->field != MEMBER_NONE) {
        out->target = IMPORT_FIELD;
        return true;
    }
    if (strncmp(field, "attr.", 5) == 0) {
        out->attribute = site_attribute_find(&members->config->site, field + 5);
        out->target = IMPORT_ATTR;
    }
    return out->attribute != NULL;
}

static void column_suggest(const struct members *members, const char *name, struct suggest *suggest)
{
    suggest_start(suggest, name);
    for (int i = 0; i < MEMBER_FIELD_COUNT; i++) {
        suggest_offer(suggest, member_field_name((enum member_field)i));
    }
    for (size_t i = 2; i < sizeof(targets) / sizeof(targets[0]); i++) {
        suggest_offer(suggest, targets[i].name);
    }
    for (size_t i = 0; i < members->config->site.attribute_count; i++) {
        suggest_offer(suggest, members->config->site.attributes[i].key);
    }
}

static void column_read(const struct members *members, const struct import_options *options,
                        const char *file, const struct csv_field *header, struct report *report,
                        struct import_column *out)
{
    const char *mapped = column_mapped(members, options, header->text);
    const char *known = mapped != NULL ? mapped : import_column_find(header->text);
    struct suggest suggest;

    if (known != NULL && column_set(members, known, out)) {
        return;
    }
    if (known != NULL) {
        column_suggest(members, known, &suggest);
        report_add(report, REPORT_ERROR, file, header->line, header->column,
                   "column '%.80s' is to be '%.80s', but there is no such field%s", header->text,
                   known, suggest_hint(&suggest));
        return;
    }
    out->attribute = column_attribute(&members->config->site, header->text);
    if (out->attribute != NULL) {
        out->target = IMPORT_ATTR;
        return;
    }
    if (header->text[strspn(header->text, " \t")] != '\0') {
        column_suggest(members, header->text, &suggest);
        report_add(report, REPORT_WARNING, file, header->line, header->column,
                   "column '%.80s' is left out: no field has that name%s", header->text,
                   suggest_hint(&suggest));
    }
}

static bool column_collides(const struct import_column *a, const struct import_column *b)
{
    return a->target != IMPORT_IGNORED && a->target == b->target &&
           (a->target != IMPORT_FIELD || a->field == b->field) &&
           (a->target != IMPORT_ATTR || a->attribute == b->attribute);
}

static void columns_check(const struct import_options *options, const char *file,
                          const struct csv_row *header, const struct import_column *columns,
                          struct report *report)
{
    bool key = false;

    for (size_t i = 0; i < header->count; i++) {
        const struct csv_field *field = &header->fields[i];

        key = key || (columns[i].target == IMPORT_FIELD &&
                      (columns[i].field == MEMBER_EMAIL || columns[i].field == MEMBER_ID));
        for (size_t k = 0; k < i; k++) {
            if (column_collides(&columns[k], &columns[i])) {
                report_add(report, REPORT_ERROR, file, field->line, field->column,
                           "columns '%.80s' and '%.80s' mean the same; give one of them another "
                           "field, or '-' to leave it out",
                           header->fields[k].text, field->text);
                break;
            }
        }
    }
    if (!key) {
        report_add(report, REPORT_ERROR, file, header->line, 1,
                   "no column holds addresses: the first row must name the columns, one of them "
                   "'email'");
    }
    for (size_t i = 0; i < options->mapping_count; i++) {
        bool found = false;

        for (size_t k = 0; k < header->count; k++) {
            found = found || column_same(options->mappings[i].header, header->fields[k].text);
        }
        if (!found) {
            report_add(report, REPORT_ERROR, file, header->line, 1,
                       "a field is given to column '%.80s', but there is no such column",
                       options->mappings[i].header);
        }
    }
}

int import_columns_read(const struct members *members, const struct import_options *options,
                        const char *file, const struct csv_row *header, struct report *report,
                        struct arena *arena, struct import_column **out, struct err *err)
{
    struct import_column *columns = arena_alloc(arena, header->count, sizeof(*columns));

    if (columns == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < header->count; i++) {
        columns[i].field = MEMBER_NONE;
        column_read(members, options, file, &header->fields[i], report, &columns[i]);
    }
    columns_check(options, file, header, columns, report);
    *out = columns;
    return 0;
}
