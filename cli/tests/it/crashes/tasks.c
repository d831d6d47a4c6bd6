/* Tasks of every state, one of which crashes.
 *
 * This is no FreeRTOS, and has no line of it. It keeps what a debugger looks for in one: variables and
 * members of these names, and a task's registers saved below the frame that the core stacks, in the
 * order of its ports for Cortex-M0 and Cortex-M4F. Where in the structures the members are is not as
 * there, on purpose: only the debug information tells. */
#include <stddef.h>
#include <stdint.h>

/* ARMv7-M ARM, DDI 0403E, B3.2: ICSR, CPACR. */
#define ICSR (*(volatile uint32_t *)0xe000ed04)
#define PENDSVSET (1u << 28)
#define CPACR (*(volatile uint32_t *)0xe000ed88)

#define PRIORITIES 5
#define STACK_WORDS 96
#define FILL 0xa5a5a5a5u

struct xLIST;

typedef struct xLIST_ITEM {
    struct xLIST *pxContainer;
    void *pvOwner;
    uint32_t xItemValue;
    struct xLIST_ITEM *pxNext, *pxPrevious;
} ListItem_t;

typedef struct xMINI_LIST_ITEM {
    struct xLIST *unused[2];
    uint32_t xItemValue;
    struct xLIST_ITEM *pxNext, *pxPrevious;
} MiniListItem_t;

typedef struct xLIST {
    MiniListItem_t xListEnd;
    uint32_t uxNumberOfItems;
} List_t;

typedef struct tskTaskControlBlock {
    char pcTaskName[10];
    uint32_t uxPriority;
    ListItem_t xEventListItem, xStateListItem;
    uint32_t *volatile pxTopOfStack;
    uint32_t *pxStack;
} TCB_t;

TCB_t *volatile pxCurrentTCB;
static List_t pxReadyTasksLists[PRIORITIES];
static List_t xDelayedTaskList1, xDelayedTaskList2, xPendingReadyList;
static List_t xTasksWaitingTermination, xSuspendedTaskList;
static volatile uint32_t xSchedulerRunning;

static List_t queue;
static TCB_t nobody, tasks[7];
static uint32_t stacks[7][STACK_WORDS] __attribute__((aligned(8)));
static uint32_t stack_of_nobody[STACK_WORDS] __attribute__((aligned(8)));
volatile uint32_t sink;

static void make_list(List_t *list)
{
    ListItem_t *end = (ListItem_t *)&list->xListEnd;
    end->pxNext = end->pxPrevious = end;
    list->uxNumberOfItems = 0;
}

static void append(List_t *list, ListItem_t *item)
{
    ListItem_t *end = (ListItem_t *)&list->xListEnd;
    item->pxContainer = list;
    item->pxNext = end;
    item->pxPrevious = end->pxPrevious;
    end->pxPrevious->pxNext = item;
    end->pxPrevious = item;
    list->uxNumberOfItems++;
}

static void take_out(ListItem_t *item)
{
    item->pxNext->pxPrevious = item->pxPrevious;
    item->pxPrevious->pxNext = item->pxNext;
    item->pxContainer->uxNumberOfItems--;
    item->pxContainer = NULL;
}

/* Notes where the task left its stack, and says where the next one did. */
__attribute__((used)) uint32_t *next_task(uint32_t *top)
{
    pxCurrentTCB->pxTopOfStack = top;
    uint32_t priority = PRIORITIES - 1;
    while (!pxReadyTasksLists[priority].uxNumberOfItems)
        priority--;
    pxCurrentTCB = pxReadyTasksLists[priority].xListEnd.pxNext->pvOwner;
    return pxCurrentTCB->pxTopOfStack;
}

#ifdef __ARM_FP
#define FIRST_R4 0
#define EXC_RETURN 8
__attribute__((naked)) void PendSV_Handler(void)
{
    __asm__ volatile(".syntax unified\n"
                     "mrs r0, psp\n"
                     "tst lr, #0x10\n"
                     "it eq\n"
                     "vstmdbeq r0!, {s16-s31}\n"
                     "stmdb r0!, {r4-r11, lr}\n"
                     "bl next_task\n"
                     "ldmia r0!, {r4-r11, lr}\n"
                     "tst lr, #0x10\n"
                     "it eq\n"
                     "vldmiaeq r0!, {s16-s31}\n"
                     "msr psp, r0\n"
                     "bx lr\n");
}
#else
#define FIRST_R4 1
#define EXC_RETURN 0
__attribute__((naked)) void PendSV_Handler(void)
{
    __asm__ volatile(".syntax unified\n"
                     "mrs r0, psp\n"
                     "subs r0, #36\n"
                     "mov r1, r0\n"
                     "mov r2, lr\n"
                     "stmia r1!, {r2, r4-r7}\n"
                     "mov r4, r8\n"
                     "mov r5, r9\n"
                     "mov r6, r10\n"
                     "mov r7, r11\n"
                     "stmia r1!, {r4-r7}\n"
                     "bl next_task\n"
                     "mov r1, r0\n"
                     "adds r1, #20\n"
                     "ldmia r1!, {r4-r7}\n"
                     "mov r8, r4\n"
                     "mov r9, r5\n"
                     "mov r10, r6\n"
                     "mov r11, r7\n"
                     "msr psp, r1\n"
                     "ldmia r0!, {r2, r4-r7}\n"
                     "bx r2\n");
}
#endif

__attribute__((noinline)) static void give_way(void)
{
    ICSR = PENDSVSET;
    __asm__ volatile("dsb\nisb" ::: "memory");
}

/* Puts the running task into another list, and lets the others run. */
__attribute__((noinline)) static void go_to(List_t *list)
{
    take_out(&pxCurrentTCB->xStateListItem);
    append(list, &pxCurrentTCB->xStateListItem);
    give_way();
}

/* Where a task goes whose function returns. */
__attribute__((noinline)) static void prvTaskExitError(void)
{
    for (;;) {
    }
}

__attribute__((noinline)) static uint32_t wait_for(uint32_t ticks)
{
    go_to(&xDelayedTaskList1);
    return ticks + 1;
}

static void sleeper(uint32_t ticks)
{
    for (;;)
        sink = wait_for(ticks) + ticks;
}

__attribute__((noinline)) static uint32_t receive(List_t *from, uint32_t length)
{
    append(from, &pxCurrentTCB->xEventListItem);
    go_to(&xSuspendedTaskList);
    return length;
}

static void receiver(uint32_t length)
{
    for (;;)
        sink = receive(&queue, length) + length;
}

static void pauser(uint32_t unused)
{
    for (;;) {
        go_to(&xSuspendedTaskList);
        sink = unused;
    }
}

static void leaver(uint32_t unused)
{
    for (;;) {
        go_to(&xTasksWaitingTermination);
        sink = unused;
    }
}

/* Has numbers in the registers of the floating-point unit while it waits for its turn. */
static void counter(uint32_t from)
{
    for (uint32_t turn = from;; turn++) {
#ifdef __ARM_FP
        __asm__ volatile("vmov.f32 s16, #1.5\nvmov.f32 s31, #0.5" ::: "s16", "s31");
#endif
        go_to(&pxReadyTasksLists[1]);
        sink = turn;
    }
}

__attribute__((noinline)) static uint32_t fetch(const volatile uint32_t *from)
{
    return *from;
}

static void crasher(uint32_t address)
{
    for (;;)
        sink = fetch((const volatile uint32_t *)(uintptr_t)address) + address;
}

static void make(uint32_t number, const char *name, uint32_t priority, void (*body)(uint32_t),
                 uint32_t argument)
{
    TCB_t *task = &tasks[number];
    for (uint32_t at = 0; at < sizeof task->pcTaskName - 1 && name[at]; at++)
        task->pcTaskName[at] = name[at];
    for (uint32_t at = 0; at < STACK_WORDS; at++)
        stacks[number][at] = FILL;
    uint32_t *frame = &stacks[number][STACK_WORDS - 8];
    frame[0] = argument;
    frame[5] = (uint32_t)prvTaskExitError;
    frame[6] = (uint32_t)body & ~1u;
    frame[7] = 0x01000000;
    task->pxStack = stacks[number];
    task->pxTopOfStack = frame - 9;
    task->pxTopOfStack[EXC_RETURN] = 0xfffffffd;
    for (uint32_t at = 0; at < 8; at++)
        task->pxTopOfStack[FIRST_R4 + at] = 0x04040404 + at * 0x01010101;
    task->uxPriority = priority;
    task->xStateListItem.pvOwner = task->xEventListItem.pvOwner = task;
    append(&pxReadyTasksLists[priority], &task->xStateListItem);
}

int main(void)
{
    for (uint32_t priority = 0; priority < PRIORITIES; priority++)
        make_list(&pxReadyTasksLists[priority]);
    make_list(&xDelayedTaskList1);
    make_list(&xDelayedTaskList2);
    make_list(&xPendingReadyList);
    make_list(&xTasksWaitingTermination);
    make_list(&xSuspendedTaskList);
    make_list(&queue);
    make(0, "leaver", 4, leaver, 0);
    make(1, "sleeper", 3, sleeper, 250);
    make(2, "receiver", 3, receiver, 16);
    make(3, "pauser", 2, pauser, 0);
    make(4, "counter", 1, counter, 40);
    make(5, "crasher", 1, crasher, 0x30000000);
    make(6, "idle", 0, pauser, 0);
    __asm__ volatile("msr psp, %0" ::"r"(stack_of_nobody + STACK_WORDS));
    pxCurrentTCB = &nobody;
    xSchedulerRunning = 1;
    give_way();
    for (;;) {
    }
}

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;

__attribute__((noreturn)) void Reset_Handler(void)
{
    uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
#ifdef __ARM_FP
    CPACR |= 0xfu << 20;
    __asm__ volatile("dsb\nisb");
#endif
    main();
    for (;;) {
    }
}

void HardFault_Handler(void)
{
    for (;;) {
    }
}

typedef void (*vector)(void);

__attribute__((section(".isr_vector"), used)) const vector vectors[16] = {
    (vector)&stack_top, Reset_Handler, HardFault_Handler, HardFault_Handler,
    [14] = PendSV_Handler,
};
