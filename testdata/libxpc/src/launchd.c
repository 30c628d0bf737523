// Jobs, their names, and launching on demand.
#include "world.h"

static struct xs_job *jobs;

struct port *port_new(const char *name, struct xs_job *job) {
    struct port *p = calloc(1, sizeof *p);
    atomic_init(&p->refs, 1);
    p->name = name ? strdup(name) : NULL;
    p->job = job;
    return p;
}

void port_retain(struct port *p) {
    atomic_fetch_add(&p->refs, 1);
}

void port_release(struct port *p) {
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1) return;
    free(p->name);
    free(p);
}

static struct xs_job *job_new(const char *label, int domain, struct xs_process *app, xs_main_t main, uintptr_t arg) {
    struct xs_job *j = calloc(1, sizeof *j);
    j->label = strdup(label);
    j->domain = domain;
    j->app = app;
    j->loaded = true;
    j->main = main;
    j->arg = arg;
    j->next = jobs;
    jobs = j;
    return j;
}

static void add_name(struct xs_job *j, const char *name) {
    struct port *p = port_new(name, j);
    p->next = j->ports;
    j->ports = p;
}

xs_job_t xs_job_declare(const char *label, int domain, const char *const *names, size_t n, xs_main_t main,
                        uintptr_t arg) {
    world_lock();
    struct xs_job *j = job_new(label, domain, NULL, main, arg);
    for (size_t i = 0; i < n; i++) add_name(j, names[i]);
    world_unlock();
    return j;
}

xs_job_t xs_bundle_declare(xs_process_t app, const char *identifier, xs_main_t main, uintptr_t arg) {
    world_lock();
    struct xs_job *j = job_new(identifier, XS_USER, app ? app : xs_process_default(), main, arg);
    add_name(j, identifier);
    world_unlock();
    return j;
}

static struct port *named(struct xs_job *j, const char *name) {
    if (j->loaded)
        for (struct port *p = j->ports; p; p = p->next)
            if (!strcmp(p->name, name)) return p;
    return NULL;
}

struct port *lookup(struct xs_process *p, const char *name, bool bundled, bool privileged) {
    for (int domain = privileged || p->system ? XS_SYSTEM : XS_USER; domain <= XS_SYSTEM; domain++)
        for (struct xs_job *j = jobs; j; j = j->next) {
            bool fits = bundled ? j->app && (j->app == p || (p->job && p->job->app == j->app))
                                : !j->app && j->domain == domain;
            struct port *found = fits ? named(j, name) : NULL;
            if (found) return found;
        }
    return NULL;
}

struct port *lookup_own(struct xs_process *p, const char *name) {
    return p->job ? named(p->job, name) : NULL;
}

static _Thread_local bool launching;

// The main has come as far as it will for now.
void launch_settled(void) {
    if (launching) busy_done();
    launching = false;
}

struct launch {
    struct xs_process *process;
    xs_main_t main, prepare;
    uintptr_t arg, prepare_arg;
};

static void run(void *argument) {
    struct launch *l = argument;
    launching = true;
    jitter();
    if (!atomic_load(&l->process->dead)) {
        struct frame frame;
        process_enter(&frame, l->process);
        if (l->prepare) l->prepare(l->process, l->prepare_arg);
        l->main(l->process, l->arg);
        process_leave(&frame);
    }
    process_release(l->process);
    free(l);
    launch_settled();
}

void launch_locked(struct xs_job *j) {
    if (!j || !j->loaded || !j->main || j->process) return;
    struct xs_process *p = process_new(j->label);
    p->job = j;
    p->system = j->domain == XS_SYSTEM;
    j->process = p;
    j->launches++;
    struct launch *l = malloc(sizeof *l);
    *l = (struct launch){p, j->main, j->prepare, j->arg, j->prepare_arg};
    process_retain(p);
    busy_add();
    pool_thread(run, l);
}

void xs_job_attach(xs_job_t j, xs_process_t p) {
    world_lock();
    j->process = p;
    p->job = j;
    world_unlock();
}

xs_process_t xs_job_process(xs_job_t j) {
    world_lock();
    struct xs_process *p = j->process;
    world_unlock();
    return p;
}

unsigned long xs_job_launches(xs_job_t j) {
    world_lock();
    unsigned long n = j->launches;
    world_unlock();
    return n;
}

void xs_job_set_prepare(xs_job_t j, xs_main_t prepare, uintptr_t arg) {
    world_lock();
    j->prepare = prepare;
    j->prepare_arg = arg;
    world_unlock();
}

void xs_job_unload(xs_job_t j) {
    world_lock();
    if (j->loaded) {
        j->loaded = false;
        for (struct port *p = j->ports; p; p = p->next)
            port_die(p, "The job was unloaded", XPC_ERROR_CONNECTION_INTERRUPTED, true);
        struct xs_process *p = j->process;
        if (p == xs_process_default())
            j->process = NULL, p->job = NULL;
        else if (p)
            process_kill_locked(p);
    }
    world_unlock();
}

void xs_job_load(xs_job_t j) {
    world_lock();
    if (!j->loaded) {
        j->loaded = true;
        for (struct port **p = &j->ports; *p; p = &(*p)->next) {
            struct port *dead = *p;
            *p = port_new(dead->name, j);
            (*p)->next = dead->next;
            dead->next = NULL;
            port_release(dead);
        }
    }
    world_unlock();
}

void launchd_reset(void) {
    for (struct xs_job *j = jobs, *next; j; j = next) {
        next = j->next;
        for (struct port *p = j->ports, *after; p; p = after) {
            after = p->next;
            port_die(p, "The world ended", XPC_ERROR_CONNECTION_INVALID, false);
            p->job = NULL;
            p->next = NULL;
            port_release(p);
        }
        if (j->process) j->process->job = NULL;
        free(j->label);
        free(j);
    }
    jobs = NULL;
}
