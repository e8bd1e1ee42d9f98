/* fetch_guard.c - public addresses and all others, by the registries of special
 * purpose addresses (RFC 6890 and its successors). */
#include "fetch_guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is not the public internet in IPv4. */
static const struct fetch_net special4[] = {
    {AF_INET, {0}, 8},             /* this network */
    {AF_INET, {10}, 8},            /* private */
    {AF_INET, {100, 64}, 10},      /* shared between a provider's customers */
    {AF_INET, {127}, 8},           /* loopback */
    {AF_INET, {169, 254}, 16},     /* link-local: cloud machines tell secrets there */
    {AF_INET, {172, 16}, 12},      /* private */
    {AF_INET, {192, 0, 0}, 24},    /* protocol assignments */
    {AF_INET, {192, 0, 2}, 24},    /* documentation */
    {AF_INET, {192, 88, 99}, 24},  /* 6to4 relays */
    {AF_INET, {192, 168}, 16},     /* private */
    {AF_INET, {198, 18}, 15},      /* benchmarks */
    {AF_INET, {198, 51, 100}, 24}, /* documentation */
    {AF_INET, {203, 0, 113}, 24},  /* documentation */
    {AF_INET, {224}, 4},           /* multicast */
    {AF_INET, {240}, 4},           /* reserved, and broadcast */
};

/* In IPv6 only what is handed out is public, ... */
static const struct fetch_net global6 = {AF_INET6, {0x20}, 3};

/* ... without these. */
static const struct fetch_net special6[] = {
    {AF_INET6, {0x20, 0x01, 0x00}, 23},       /* Teredo, benchmarks, ORCHID */
    {AF_INET6, {0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {AF_INET6, {0x20, 0x02}, 16},             /* 6to4: an IPv4 address inside */
    {AF_INET6, {0x3f, 0xff, 0x00}, 20},       /* documentation */
};

static const unsigned char *bytes_of(const struct sockaddr *address)
{
    const void *raw = address;

    if (address->sa_family == AF_INET) {
        return (const unsigned char *)&((const struct sockaddr_in *)raw)->sin_addr;
    }
    if (address->sa_family == AF_INET6) {
        return (const unsigned char *)&((const struct sockaddr_in6 *)raw)->sin6_addr;
    }
    return NULL;
}

static bool is_within(const struct sockaddr *address, const struct fetch_net *net)
{
    const unsigned char *bytes = bytes_of(address);
    int whole = net->bits / 8;
    int rest = net->bits % 8;

    if (bytes == NULL || address->sa_family != net->family ||
        memcmp(bytes, net->bytes, (size_t)whole) != 0) {
        return false;
    }
    return rest == 0 || (bytes[whole] >> (8 - rest)) == (net->bytes[whole] >> (8 - rest));
}

static bool is_within_any(const struct sockaddr *address, const struct fetch_net *nets,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_within(address, &nets[i])) {
            return true;
        }
    }
    return false;
}

bool fetch_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        return !is_within_any(address, special4, sizeof(special4) / sizeof(special4[0]));
    }
    return is_within(address, &global6) &&
           !is_within_any(address, special6, sizeof(special6) / sizeof(special6[0]));
}

bool fetch_may_connect(const struct fetch_options *options, const struct sockaddr *address)
{
    if (bytes_of(address) == NULL) {
        return false;
    }
    return options->allow_private || fetch_address_is_public(address) ||
           is_within_any(address, options->allow, options->allow_count);
}

void fetch_address_text(const struct sockaddr *address, char out[FETCH_ADDRESS])
{
    const unsigned char *bytes = bytes_of(address);

    if (bytes == NULL || inet_ntop(address->sa_family, bytes, out, FETCH_ADDRESS) == NULL) {
        snprintf(out, FETCH_ADDRESS, "an address of another kind");
    }
}

int fetch_net_parse(const char *text, struct fetch_net *out, struct err *err)
{
    char address[FETCH_ADDRESS];
    size_t len = strcspn(text, "/");
    long most;

    memset(out, 0, sizeof(*out));
    if (len >= sizeof(address)) {
        goto bad;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    out->family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    most = out->family == AF_INET6 ? 128 : 32;
    out->bits = (int)most;
    if (inet_pton(out->family, address, out->bytes) != 1) {
        goto bad;
    }
    if (text[len] == '/') {
        const char *digits = text + len + 1;
        size_t count = strspn(digits, "0123456789");
        long bits = strtol(digits, NULL, 10);

        if (count == 0 || count > 3 || digits[count] != '\0' || bits > most) {
            goto bad;
        }
        out->bits = (int)bits;
    }
    return 0;
bad:
    return err_set(err, ERR_INVALID, "'%.60s' is not a network; write ADDRESS or ADDRESS/BITS",
                   text);
}
