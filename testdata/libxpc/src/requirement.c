// Peer requirements, checked against the identity that a process pretends to
// have. Of the code signing requirement language, what callers use:
//   identifier "x", anchor apple, anchor apple generic, anchor trusted,
//   certificate leaf[subject.OU] = "x", other certificate tests (true),
//   entitlement["x"] exists | = value, and, or, !, parentheses.
#include "world.h"

#include <ctype.h>
#include <errno.h>

enum what { AND, OR, NOT, IDENTIFIER, PLATFORM, TEAM, SIGNED, ENTITLED, VALUE, TRUE };
struct node {
    enum what what;
    struct node *a, *b;
    char *text;
    struct entitlement value;
};
struct requirement {
    _Atomic int refs;
    struct node *root;
};

static struct node *node(enum what what, struct node *a, struct node *b, char *text) {
    struct node *n = calloc(1, sizeof *n);
    *n = (struct node){.what = what, .a = a, .b = b, .text = text};
    return n;
}

static void node_free(struct node *n) {
    if (!n) return;
    node_free(n->a);
    node_free(n->b);
    free(n->text), free(n->value.text);
    free(n);
}

void requirement_retain(struct requirement *r) {
    if (r) atomic_fetch_add(&r->refs, 1);
}

void requirement_release(struct requirement *r) {
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1) return;
    node_free(r->root);
    free(r);
}

static const struct entitlement *entitled(const struct xs_process *p, const char *key) {
    for (const struct entitlement *e = p->entitlements; e; e = e->next)
        if (!strcmp(e->key, key)) return e;
    return NULL;
}

static bool same(const char *a, const char *b) {
    return a && b && !strcmp(a, b);
}

static bool met(const struct node *n, const struct xs_process *p) {
    const struct entitlement *e;
    switch (n->what) {
    case AND:
        return met(n->a, p) && met(n->b, p);
    case OR:
        return met(n->a, p) || met(n->b, p);
    case NOT:
        return !met(n->a, p);
    case IDENTIFIER:
        return same(p->signing, n->text);
    case PLATFORM:
        return p->platform;
    case TEAM:
        return n->text ? same(p->team, n->text) : p->team != NULL;
    case SIGNED:
        return p->platform || p->team;
    case ENTITLED:
        return (e = entitled(p, n->text)) && !(e->type == XPC_TYPE_BOOL && !e->number);
    case VALUE:
        e = entitled(p, n->text);
        return e && e->type == n->value.type &&
               (e->type == XPC_TYPE_STRING ? same(e->text, n->value.text) : e->number == n->value.number);
    case TRUE:
        return true;
    }
    return false;
}

bool requirement_met(const struct requirement *r, const struct xs_process *p) {
    return met(r->root, p);
}

static void space(const char **s) {
    while (isspace((unsigned char)**s)) ++*s;
}

static bool word(const char **s, const char *w) {
    space(s);
    size_t n = strlen(w);
    if (strncmp(*s, w, n)) return false;
    if (isalnum((unsigned char)w[n - 1]) && (isalnum((unsigned char)(*s)[n]) || (*s)[n] == '_')) return false;
    *s += n;
    return true;
}

static char *text(const char **s) {
    space(s);
    const char *p = *s, *end;
    if (*p == '"') {
        end = strchr(++p, '"');
        if (!end) return NULL;
        *s = end + 1;
    } else {
        for (end = p; isalnum((unsigned char)*end) || *end == '.' || *end == '_' || *end == '-'; end++)
            ;
        if (end == p) return NULL;
        *s = end;
    }
    return strndup(p, (size_t)(end - p));
}

static struct node *alternatives(const char **s);

static struct node *certificate(const char **s) {
    free(text(s)); // leaf, root, anchor or a number
    if (!word(s, "[")) return NULL;
    space(s);
    bool team = !strncmp(*s, "subject.OU", 10);
    const char *end = strchr(*s, ']');
    if (!end) return NULL;
    *s = end + 1;
    if (word(s, "=")) {
        char *value = text(s);
        if (!value) return NULL;
        if (team) return node(TEAM, NULL, NULL, value);
        free(value);
    } else {
        (void)(word(s, "exists") || word(s, "/* exists */"));
    }
    return node(TRUE, NULL, NULL, NULL);
}

static struct node *term(const char **s) {
    if (word(s, "!")) {
        struct node *a = term(s);
        return a ? node(NOT, a, NULL, NULL) : NULL;
    }
    if (word(s, "(")) {
        struct node *a = alternatives(s);
        if (a && word(s, ")")) return a;
        node_free(a);
        return NULL;
    }
    if (word(s, "identifier")) {
        (void)word(s, "=");
        char *t = text(s);
        return t ? node(IDENTIFIER, NULL, NULL, t) : NULL;
    }
    if (word(s, "anchor")) {
        if (word(s, "trusted")) return node(SIGNED, NULL, NULL, NULL);
        if (!word(s, "apple")) return NULL;
        return node(word(s, "generic") ? SIGNED : PLATFORM, NULL, NULL, NULL);
    }
    if (word(s, "certificate") || word(s, "cert")) return certificate(s);
    if (word(s, "entitlement")) {
        if (!word(s, "[")) return NULL;
        char *key = text(s);
        if (!key || !word(s, "]")) {
            free(key);
            return NULL;
        }
        if (!word(s, "=")) {
            (void)(word(s, "exists") || word(s, "/* exists */"));
            return node(ENTITLED, NULL, NULL, key);
        }
        char *value = text(s);
        if (!value) {
            free(key);
            return NULL;
        }
        struct node *n = node(VALUE, NULL, NULL, key);
        n->value.type = XPC_TYPE_STRING;
        n->value.text = value;
        return n;
    }
    return NULL;
}

static struct node *sequence(const char **s) {
    struct node *a = term(s);
    while (a && word(s, "and")) {
        struct node *b = term(s);
        if (!b) {
            node_free(a);
            return NULL;
        }
        a = node(AND, a, b, NULL);
    }
    return a;
}

__attribute__((unused)) static struct node *alternatives(const char **s) {
    struct node *a = sequence(s);
    while (a && word(s, "or")) {
        struct node *b = sequence(s);
        if (!b) {
            node_free(a);
            return NULL;
        }
        a = node(OR, a, b, NULL);
    }
    return a;
}

__attribute__((unused)) static int set(xpc_connection_t connection, struct node *root) {
    conn *c = conn_check(connection);
    world_lock();
    bool again = c->requirement_called;
    c->requirement_called = true;
    if (!again && root) {
        c->requirement = calloc(1, sizeof *c->requirement);
        atomic_init(&c->requirement->refs, 1);
        c->requirement->root = root;
    }
    world_unlock();
    STRICT(!again, "row 180", "Only one peer requirement can be set on a connection");
    if (again) node_free(root);
    return root && !again ? 0 : EINVAL;
}

#if XS_MACOS >= 12
int xpc_connection_set_peer_code_signing_requirement(xpc_connection_t c, const char *requirement) {
    const char *s = requirement;
    struct node *root = alternatives(&s);
    space(&s);
    if (root && *s) {
        node_free(root);
        root = NULL;
    }
    return set(c, root);
}
#endif

#if XS_MACOS >= 14
int xpc_connection_set_peer_entitlement_exists_requirement(xpc_connection_t c, const char *entitlement) {
    return set(c, node(ENTITLED, NULL, NULL, strdup(entitlement)));
}

int xpc_connection_set_peer_entitlement_matches_value_requirement(xpc_connection_t c, const char *entitlement,
                                                                  xpc_object_t value) {
    xpc_type_t t = xpc_get_type(value);
    if (t != XPC_TYPE_BOOL && t != XPC_TYPE_STRING && t != XPC_TYPE_INT64) return set(c, NULL);
    struct node *n = node(VALUE, NULL, NULL, strdup(entitlement));
    n->value.type = t;
    n->value.number = t == XPC_TYPE_BOOL ? xpc_bool_get_value(value) : xpc_int64_get_value(value);
    n->value.text = t == XPC_TYPE_STRING ? strdup(xpc_string_get_string_ptr(value)) : NULL;
    return set(c, n);
}

static struct node *identified(struct node *n, const char *signing_identifier) {
    if (!signing_identifier) return n;
    return node(AND, n, node(IDENTIFIER, NULL, NULL, strdup(signing_identifier)), NULL);
}

// The same team as the caller's own.
int xpc_connection_set_peer_team_identity_requirement(xpc_connection_t connection, const char *signing_identifier) {
    conn *c = conn_check(connection);
    world_lock();
    char *team = c->process && c->process->team ? strdup(c->process->team) : NULL;
    world_unlock();
    struct node *n = team ? node(TEAM, NULL, NULL, team) : node(NOT, node(TRUE, NULL, NULL, NULL), NULL, NULL);
    return set(c, identified(n, signing_identifier));
}

int xpc_connection_set_peer_platform_identity_requirement(xpc_connection_t c, const char *signing_identifier) {
    return set(c, identified(node(PLATFORM, NULL, NULL, NULL), signing_identifier));
}

int xpc_connection_set_peer_lightweight_code_requirement(xpc_connection_t c, xpc_object_t requirement) {
    if (!is(requirement, XPC_TYPE_DICTIONARY)) return set(c, NULL);
    struct node *n = node(TRUE, NULL, NULL, NULL);
    const char *signing = xpc_dictionary_get_string(requirement, "signing-identifier");
    const char *team = xpc_dictionary_get_string(requirement, "team-identifier");
    if (signing) n = identified(n, signing);
    if (team) n = node(AND, n, node(TEAM, NULL, NULL, strdup(team)), NULL);
    return set(c, n);
}
#endif
