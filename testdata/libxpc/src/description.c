// A text for people: nothing may depend on its form.
#include "world.h"

static void write_value(FILE *f, const void *p, int depth) {
    const struct obj *o = obj_check(p);
    xpc_type_t t = o->type;
    fprintf(f, "<%s: %p>", t->name, p);
    if (t == XPC_TYPE_BOOL) fprintf(f, ": %s", xpc_bool_get_value((void *)p) ? "true" : "false");
    if (t == XPC_TYPE_INT64 || t == XPC_TYPE_DATE) fprintf(f, ": %lld", (long long)((struct number *)p)->v.i);
    if (t == XPC_TYPE_UINT64) fprintf(f, ": %llu", (unsigned long long)((struct number *)p)->v.u);
    if (t == XPC_TYPE_DOUBLE) fprintf(f, ": %f", ((struct number *)p)->v.d);
    if (t == XPC_TYPE_DATA) fprintf(f, ": %zu bytes", ((struct bytes *)p)->length);
    if (t == XPC_TYPE_STRING) {
        fprintf(f, " { length = %zu, contents = \"", ((struct bytes *)p)->length);
        fwrite(((struct bytes *)p)->b, 1, ((struct bytes *)p)->length, f);
        fputs("\" }", f);
    }
    if (t == XPC_TYPE_UUID) {
        fputs(": ", f);
        for (int i = 0; i < 16; i++)
            fprintf(f, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02X" : "%02X", ((struct bytes *)p)->b[i]);
    }
    if (t == XPC_TYPE_FD) fprintf(f, " { fd = %d }", ((struct fd *)p)->fd);
    if (t == XPC_TYPE_SHMEM) fprintf(f, " { length = %zu }", ((struct shmem *)p)->length);
    if (t == XPC_TYPE_CONNECTION) fprintf(f, " { name = %s }", ((conn *)p)->name ? ((conn *)p)->name : "(none)");
    if (t == XPC_TYPE_ARRAY) {
        const struct array *a = p;
        fprintf(f, " { count = %zu, contents =\n", a->count);
        for (size_t i = 0; i < a->count; i++) {
            fprintf(f, "%*s%zu: ", depth + 4, "", i);
            write_value(f, a->items[i], depth + 4);
            fputc('\n', f);
        }
        fprintf(f, "%*s}", depth, "");
    }
    if (t == XPC_TYPE_DICTIONARY || t == XPC_TYPE_ERROR) {
        const dict *d = p;
        fprintf(f, " { count = %zu, transaction: %d, voucher = 0x0, contents =\n", d->count,
                atomic_load(&((dict *)p)->transaction) != NULL);
        for (struct entry *e = d->first; e; e = e->next) {
            fprintf(f, "%*s\"%s\" => ", depth + 4, "", e->key);
            write_value(f, e->value, depth + 4);
            fputc('\n', f);
        }
        fprintf(f, "%*s}", depth, "");
    }
}

char *xpc_copy_description(xpc_object_t o) {
    char *text = NULL;
    size_t length;
    FILE *f = open_memstream(&text, &length);
    write_value(f, o, 0);
    fclose(f);
    return text;
}
