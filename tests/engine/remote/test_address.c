#include "remote/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <glib.h>

static const struct {
    const char *text;
    ArecAddressKind kind;
} rows[] = {
    {"8.8.8.8", AREC_ADDRESS_PUBLIC},
    {"169.253.255.255", AREC_ADDRESS_PUBLIC},
    {"169.254.0.0", AREC_ADDRESS_FORBIDDEN},
    {"169.254.169.254", AREC_ADDRESS_FORBIDDEN},
    {"169.255.0.0", AREC_ADDRESS_PUBLIC},
    {"127.0.0.1", AREC_ADDRESS_PRIVATE},
    {"0.0.0.0", AREC_ADDRESS_PRIVATE},
    {"10.1.2.3", AREC_ADDRESS_PRIVATE},
    {"100.63.255.255", AREC_ADDRESS_PUBLIC},
    {"100.64.0.0", AREC_ADDRESS_PRIVATE},
    {"100.127.255.255", AREC_ADDRESS_PRIVATE},
    {"100.128.0.0", AREC_ADDRESS_PUBLIC},
    {"172.15.255.255", AREC_ADDRESS_PUBLIC},
    {"172.16.0.0", AREC_ADDRESS_PRIVATE},
    {"172.31.255.255", AREC_ADDRESS_PRIVATE},
    {"172.32.0.0", AREC_ADDRESS_PUBLIC},
    {"192.168.0.1", AREC_ADDRESS_PRIVATE},
    {"198.18.0.1", AREC_ADDRESS_PRIVATE},
    {"223.255.255.255", AREC_ADDRESS_PUBLIC},
    {"224.0.0.1", AREC_ADDRESS_PRIVATE},
    {"255.255.255.255", AREC_ADDRESS_PRIVATE},
    {"2001:db8::1", AREC_ADDRESS_PUBLIC},
    {"::", AREC_ADDRESS_PRIVATE},
    {"::1", AREC_ADDRESS_PRIVATE},
    {"fc00::1", AREC_ADDRESS_PRIVATE},
    {"fd12::1", AREC_ADDRESS_PRIVATE},
    {"fd00:ec2::254", AREC_ADDRESS_FORBIDDEN},
    {"fd00:ec3::254", AREC_ADDRESS_PRIVATE},
    {"fe80::1", AREC_ADDRESS_FORBIDDEN},
    {"febf::1", AREC_ADDRESS_FORBIDDEN},
    {"fec0::1", AREC_ADDRESS_PRIVATE},
    {"ff02::1", AREC_ADDRESS_PRIVATE},
    {"::ffff:169.254.1.1", AREC_ADDRESS_FORBIDDEN},
    {"::ffff:127.0.0.1", AREC_ADDRESS_PRIVATE},
    {"::ffff:8.8.8.8", AREC_ADDRESS_PUBLIC},
    {"64:ff9b::169.254.169.254", AREC_ADDRESS_FORBIDDEN},
    {"64:ff9b::8.8.8.8", AREC_ADDRESS_PUBLIC},
    {"2002:a9fe:a9fe::1", AREC_ADDRESS_FORBIDDEN},
    {"2002:0808:0808::1", AREC_ADDRESS_PUBLIC},
};

static ArecAddressKind
kind_of_socket_address (const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton (AF_INET, text, &v4.sin_addr) == 1) {
        return arec_address_kind ((const struct sockaddr *)&v4);
    }
    g_assert_cmpint (inet_pton (AF_INET6, text, &v6.sin6_addr), ==, 1);
    return arec_address_kind ((const struct sockaddr *)&v6);
}

static void
test_kinds (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_test_message ("%s", rows[i].text);
        g_assert_cmpint (kind_of_socket_address (rows[i].text), ==, rows[i].kind);
        g_assert_cmpint (arec_address_kind_of_text (rows[i].text), ==, rows[i].kind);
    }
}

/* What a resolver would take for an address, and what it would not. */
static void
test_texts (void)
{
    static const struct {
        const char *text;
        ArecAddressKind kind;
    } texts[] = {
        {"2852039166", AREC_ADDRESS_FORBIDDEN},
        {"0xa9fea9fe", AREC_ADDRESS_FORBIDDEN},
        {"0251.0376.1.1", AREC_ADDRESS_FORBIDDEN},
        {"169.254.43518", AREC_ADDRESS_FORBIDDEN},
        {"127.1", AREC_ADDRESS_PRIVATE},
        {"fe80::1%eth0", AREC_ADDRESS_FORBIDDEN},
        {"h.example", AREC_ADDRESS_PUBLIC},
        {"", AREC_ADDRESS_PUBLIC},
        {"169.254.1.1.example", AREC_ADDRESS_PUBLIC},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_test_message ("%s", texts[i].text);
        g_assert_cmpint (arec_address_kind_of_text (texts[i].text), ==, texts[i].kind);
    }
}

static void
test_other_family (void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX};

    g_assert_cmpint (arec_address_kind ((const struct sockaddr *)&address), ==,
                     AREC_ADDRESS_FORBIDDEN);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/address/kinds", test_kinds);
    g_test_add_func ("/address/texts", test_texts);
    g_test_add_func ("/address/other_family", test_other_family);
    return g_test_run();
}
