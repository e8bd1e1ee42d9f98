/* address.c - see teataja/base/address.h. */
#include "teataja/base/address.h"

#include <idn2.h>
#include <string.h>
#include <unicode/uchar.h>

#include "teataja/base/str.h"
#include "teataja/base/utf8.h"

#define LIMIT_LABEL 63 /* RFC 1035 section 2.3.4 */
#define SHOWN 80       /* most bytes of the user's text that a message repeats */

/* Message and ERR_INVALID; `about` follows the address: "has two '@'". */
static int refuse(const char *text, size_t len, const char *about, struct err *err)
{
    size_t shown = utf8_prefix(text, len, SHOWN);

    return err_set(err, ERR_INVALID, "address '%.*s%s' %s", (int)shown, text,
                   shown < len ? "..." : "", about);
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5322 section 3.2.3, with what RFC 6531 section 3.3 adds. Format
 * characters are not seen, so two addresses that look the same would differ. */
static bool is_atext(int32_t code)
{
    if (code < 0x80) {
        return code > ' ' && (is_alnum((char)code) || strchr("!#$%&'*+-/=?^_`{|}~", code) != NULL);
    }
    return u_isgraph(code) && u_charType(code) != U_FORMAT_CHAR && u_isdefined(code) &&
           u_charType(code) != U_PRIVATE_USE_CHAR;
}

/* What is wrong with a local part, or NULL. */
static const char *local_fault(const char *local, size_t len)
{
    size_t at = 0;
    bool dot = true; /* whether a dot may not come here */

    if (len == 0) {
        return "has nothing before the '@'";
    }
    while (at < len) {
        int32_t code = utf8_next(local, len, &at);

        if (code == '.') {
            if (dot) {
                return at == 1 ? "starts with a dot" : "has two dots in a row";
            }
            dot = true;
            continue;
        }
        if (code < 0 || !is_atext(code)) {
            return "holds a character that cannot stand before the '@'";
        }
        dot = false;
    }
    return dot ? "has a dot before the '@'" : NULL;
}

/* What is wrong with a domain of ASCII letters, digits, hyphens and dots
 * (RFC 1123 section 2.1), or NULL. */
static const char *domain_fault(const char *domain)
{
    size_t len = strlen(domain);
    const char *label = domain;
    size_t size;

    if (len == 0) {
        return "has nothing behind the '@'";
    }
    if (len > LIMIT_DOMAIN) {
        return "has a domain that is too long";
    }
    if (domain[0] == '[') {
        return "has an IP address where its domain should be";
    }
    for (;;) {
        size = strcspn(label, ".");
        if (size == 0) {
            return label == domain       ? "has a dot behind the '@'"
                   : label[size] == '\0' ? "ends with a dot"
                                         : "has two dots in a row";
        }
        if (size > LIMIT_LABEL) {
            return "has a part of more than 63 characters in its domain";
        }
        if (label[0] == '-' || label[size - 1] == '-') {
            return "has a part of its domain that starts or ends with '-'";
        }
        for (size_t i = 0; i < size; i++) {
            if (!is_alnum(label[i]) && label[i] != '-') {
                return "holds a character that cannot stand in a domain";
            }
        }
        if (label[size] == '\0') {
            break;
        }
        label += size + 1;
    }
    if (label == domain) {
        return "has no dot in its domain";
    }
    if (label[0] >= '0' && label[0] <= '9' && strspn(label, "0123456789") == size) {
        return "has an IP address where its domain should be";
    }
    return NULL;
}

/* What a refusal of libidn2 means to the user. */
static const char *idn_fault(int rc)
{
    if (rc == IDN2_TOO_BIG_DOMAIN) {
        return "has a domain that is too long";
    }
    if (rc == IDN2_TOO_BIG_LABEL || rc == IDN2_PUNYCODE_BIG_OUTPUT) {
        return "has a part of more than 63 characters in its domain";
    }
    return "has a domain that no registry could hold (IDNA 2008)";
}

/* Appends `domain` as lower-case A-labels. ERR_NOMEM without a message. */
static int convert_domain(const char *domain, struct str *out, const char **fault)
{
    uint8_t *ascii = NULL;
    bool plain = true;
    int rc;

    for (const char *c = domain; *c != '\0'; c++) {
        bool label = c == domain || c[-1] == '.';

        if ((unsigned char)*c >= 0x80 || (label && strncasecmp(c, "xn--", 4) == 0)) {
            plain = false;
        }
    }
    if (plain) {
        *fault = domain_fault(domain);
        for (const char *c = domain; *c != '\0'; c++) {
            str_add_char(out, *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c);
        }
        return 0;
    }
    rc = idn2_lookup_u8((const uint8_t *)domain, &ascii,
                        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_ALABEL_ROUNDTRIP);
    if (rc == IDN2_MALLOC) {
        return ERR_NOMEM;
    }
    if (rc == IDN2_OK) {
        *fault = domain_fault((const char *)ascii);
        str_add(out, (const char *)ascii);
    } else {
        *fault = idn_fault(rc);
    }
    idn2_free(ascii);
    return 0;
}

/* The key: the local part folded, '@', the domain. Folding may turn a
 * look-alike into what may not stand in an address, such as U+FF20 into '@'. */
static int make_key(struct address *out, size_t local_len, const char **fault, struct err *err)
{
    struct str key;
    int rc;

    str_init(&key, sizeof(out->key) - 1);
    rc = utf8_fold(out->text, local_len, &key, err);
    if (rc == 0) {
        *fault = local_fault(key.data, key.len);
        str_add(&key, out->text + local_len);
        rc = str_check(&key, err);
    }
    if (rc == ERR_LIMIT) {
        *fault = "is too long";
        rc = 0;
    } else if (rc == 0 && *fault == NULL) {
        memcpy(out->key, key.data, key.len + 1);
    }
    str_release(&key);
    return rc;
}

/* Puts the parts together and checks the whole's length. */
static int assemble(const char *local, size_t local_len, const char *domain, struct address *out,
                    const char **fault, struct err *err)
{
    struct str text;
    int rc;

    str_init(&text, LIMIT_TEXT);
    str_add_bytes(&text, local, local_len);
    str_add_char(&text, '@');
    rc = convert_domain(domain, &text, fault);
    if (rc == 0) {
        rc = str_check(&text, err);
    } else {
        rc = err_nomem(err);
    }
    if (rc == 0 && *fault == NULL && text.len > LIMIT_ADDRESS) {
        *fault = "is longer than 254 bytes";
    }
    if (rc == 0 && *fault == NULL) {
        memcpy(out->text, text.data, text.len + 1);
        rc = make_key(out, local_len, fault, err);
    }
    str_release(&text);
    return rc;
}

/* What is wrong with the text as a whole, or NULL. */
static const char *text_fault(const char *text, size_t len)
{
    static const char bracket[] = "holds an angle bracket; write only what stands between them";
    size_t at = 0;
    size_t signs = 0;

    if (len == 0) {
        return "is empty";
    }
    while (at < len) {
        int32_t code = utf8_next(text, len, &at);

        if (code < 0) {
            return "is not UTF-8";
        }
        if (code == '\r' || code == '\n') {
            return "holds a line break";
        }
        if (code < ' ' || (code >= 0x7F && code < 0xA0)) {
            return "holds a control character";
        }
        if (code == '<' || code == '>') {
            return bracket;
        }
        if (u_isUWhiteSpace(code)) {
            return memchr(text, '<', len) != NULL ? bracket : "holds a space";
        }
        signs += code == '@';
    }
    if (signs != 1) {
        return signs == 0 ? "has no '@'" : signs == 2 ? "has two '@'" : "has more than one '@'";
    }
    return NULL;
}

int address_parse(const char *text, struct address *out, struct err *err)
{
    struct address address = {0};
    const char *fault;
    const char *sign;
    char whole[4 * LIMIT_ADDRESS + 1]; /* U-labels may be longer than their A-labels */
    size_t local_len;
    size_t len;
    int rc = 0;

    while (*text == ' ' || *text == '\t') {
        text++;
    }
    len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    if (len >= sizeof(whole)) {
        return refuse(text, len, "is too long", err);
    }
    fault = text_fault(text, len);
    if (fault != NULL) {
        return refuse(text, len, fault, err);
    }
    memcpy(whole, text, len);
    whole[len] = '\0';
    sign = strchr(whole, '@');
    local_len = (size_t)(sign - whole);
    fault = local_fault(whole, local_len);
    if (fault == NULL && local_len > LIMIT_LOCAL_PART) {
        fault = "has more than 64 bytes before the '@'";
    }
    if (fault == NULL) {
        rc = assemble(whole, local_len, sign + 1, &address, &fault, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (fault != NULL) {
        return refuse(whole, len, fault, err);
    }
    address.smtputf8 = utf8_length(whole, local_len) != local_len;
    *out = address;
    return 0;
}

const char *address_domain(const struct address *address)
{
    const char *sign = strrchr(address->text, '@');

    return sign == NULL ? "" : sign + 1;
}

/* Providers of free mailboxes: a name and the endings it is known under. */
static const struct {
    const char *name;
    const char *ends; /* separated by spaces */
} freemail[] = {
    {"aol", "com de fr it pl se co.uk"},
    {"apollo", "lv"},
    {"atlas", "cz sk"},
    {"azet", "sk"},
    {"bk", "ru"},
    {"bol", "com.br"},
    {"centrum", "cz sk"},
    {"email", "cz com it"},
    {"fastmail", "com fm"},
    {"freemail", "hu"},
    {"free", "fr"},
    {"freenet", "de"},
    {"gmail", "com"},
    {"gmx", "com de net at ch eu org info biz fr es co.uk us"},
    {"googlemail", "com de"},
    {"hot", "ee"},
    {"hotmail", "com at be ch cz de dk ee es fi fr gr hu it lt lv nl no pl pt rs ru se sk "
                "co.uk co.nz com.ar com.au com.br com.tr ca cl co.il co.in co.jp co.th"},
    {"icloud", "com"},
    {"inbox", "lv lt ru ee com"},
    {"interia", "pl eu com"},
    {"laposte", "net"},
    {"libero", "it"},
    {"list", "ru"},
    {"live", "com at be ca ch cl cn co.uk co.za com.ar com.au com.mx com.my com.pt com.sg de dk "
             "fi fr hk ie in it jp nl no ph ru se"},
    {"luukku", "com"},
    {"mac", "com"},
    {"mail", "com ee ru de"},
    {"me", "com"},
    {"msn", "com"},
    {"neti", "ee"},
    {"o2", "pl"},
    {"online", "ee de"},
    {"op", "pl"},
    {"onet", "pl eu com.pl"},
    {"one", "lt lv"},
    {"outlook", "com at be ch cz de dk es fi fr hu ie it lt lv pl pt sk co.id co.th com.ar com.au "
                "com.br com.gr com.tr com.vn cl in jp kr my ph sa sg co.il"},
    {"orange", "fr"},
    {"poczta", "fm onet.pl"},
    {"post", "cz sk"},
    {"proton", "me"},
    {"protonmail", "com ch"},
    {"pm", "me"},
    {"rambler", "ru ua"},
    {"rocketmail", "com"},
    {"sapo", "pt"},
    {"seznam", "cz"},
    {"spoko", "pl"},
    {"suomi24", "fi"},
    {"t-online", "de"},
    {"takas", "lt"},
    {"tlen", "pl"},
    {"tutanota", "com de"},
    {"tuta", "com io"},
    {"tvnet", "lv"},
    {"ukr", "net"},
    {"virgilio", "it"},
    {"volny", "cz"},
    {"walla", "co.il"},
    {"web", "de"},
    {"wp", "pl"},
    {"ya", "ru"},
    {"yahoo",
     "com at be bg ca ch cl cn cz de dk ee es fi fr gr hr hu ie in it lt lv nl no pl pt ro "
     "rs ru se sk co.id co.il co.in co.jp co.kr co.nz co.th co.uk co.za com.ar com.au "
     "com.br com.hk com.mx com.my com.ph com.sg com.tr com.tw com.ua com.vn"},
    {"yandex", "com ru by kz ua ee lt lv fr com.tr com.am com.ge co.il md az tj tm uz"},
    {"ymail", "com"},
    {"zoho", "com eu"},
    {"zoznam", "sk"},
};

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    while (*words != '\0') {
        size_t size = strcspn(words, " ");

        if (size == len && memcmp(words, word, len) == 0) {
            return true;
        }
        words += size;
        words += strspn(words, " ");
    }
    return false;
}

bool address_is_freemail(const struct address *address)
{
    const char *domain = address_domain(address);
    size_t len = strcspn(domain, ".");

    for (size_t i = 0; i < sizeof(freemail) / sizeof(freemail[0]); i++) {
        if (strlen(freemail[i].name) == len && memcmp(freemail[i].name, domain, len) == 0 &&
            domain[len] == '.' && has_word(freemail[i].ends, domain + len + 1)) {
            return true;
        }
    }
    return false;
}
