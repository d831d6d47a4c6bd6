/* Register accesses of every shape, with what each line must be found to do.
 *
 * A mark at the end of a line lists its accesses: R address | W address value | M address +set -clear
 * (read-modify-write). After `?` stand the bits of a value that are not known. All numbers are
 * hexadecimal. The layout is that of an STM32F405 (RM0090); the program is for reading only.
 */
#include "chip.h"

struct channel {
    uint32_t baud;
    uint8_t bits;
    uint8_t parity;
};

struct config {
    uint16_t version;
    struct channel uart[2];
    union {
        uint32_t word;
        uint8_t bytes[4];
    } id;
    uint16_t levels[3][4];
    struct {
        uint8_t first;
        uint8_t second;
    };
};

struct config config = {.version = 3, .uart = {{.baud = 9600, .bits = 8}}};
volatile uint32_t mode;
static USART *selected;
extern const volatile uint32_t bases[];
__asm__(".pushsection .rodata.bases, \"a\"\n"
        ".global bases\n"
        ".type bases, %object\n"
        "bases: .word 0x40020000, 0x40020400\n"
        ".size bases, 8\n"
        ".popsection\n");

__attribute__((noinline)) int table_of(int index);

static inline void usart_start(USART *usart, uint32_t divisor)
{
    usart->BRR = divisor;                 //= W 40004408 16d
    usart->CR1 = (1u << 13) | (1u << 3);  //= W 4000440c 2008
}

void clock_init(void)
{
    RCC->CR |= 1u << 16;                  //= R 40023800 ; M 40023800 +10000 -0
    while ((RCC->CR & (1u << 17)) == 0) { //= R 40023800
    }
    FLASH_ACR = 0x705;                    //= W 40023c00 705
    RCC->CFGR = (RCC->CFGR & ~0x3f0u) | 0x110u; //= R 40023808 ; M 40023808 +110 -2e0
    RCC->APB1ENR |= 1u << 17;             //= R 40023840 ; M 40023840 +20000 -0
    RCC->CR &= ~1u;                       //= R 40023800 ; M 40023800 +0 -1
}

__attribute__((noinline)) void pins_init(void)
{
    GPIOA->MODER = (GPIOA->MODER & ~(3u << 4)) | (2u << 4); //= R 40020000 ; M 40020000 +20 -10
    GPIOA->BSRRL = 0x0020;                //= W 40020018 20
    *(volatile uint8_t *)&GPIOA->ODR = 7; //= W 40020014 7
    GPIOB->MODER = mode << 4;             //= W 40020400 0?fffffff0
}

void start(void)
{
    clock_init();
    pins_init();
    usart_start(USART2, 0x16d);
}

/* The base is kept over a call in a register that calls preserve. */
void after_a_call(void)
{
    USART *usart = USART1;
    usart->CR2 = 0;                       //= W 40011010 0
    pins_init();
    usart->CR3 = 0x40;                    //= W 40011014 40
}

/* An argument and a global: nothing is known. */
void unknown(USART *usart)
{
    usart->BRR = 1;
    selected->BRR = 2;
}

/* Both ways meet: the value is known only where they agree. */
void meet(void)
{
    uint32_t value = mode ? 0x11u : 0x13u;
    __asm volatile("" : "+r"(value));
    USART1->BRR = value;                  //= W 40011008 11?2
    USART1->GTPR = 1;                     //= W 40011018 1
}

void choose(uint32_t what)
{
    switch (what) {
    case 0: USART1->SR = 0x10; break;     //= W 40011000 10
    case 1: TIM2->PSC = 83; break;        //= W 40000028 53
    case 2: TIM2->ARR = 999; break;       //= W 4000002c 3e7
    case 3: GPIOB->ODR = 1; break;        //= W 40020414 1
    case 4: RCC->APB2ENR = 0x10; break;   //= W 40023844 10
    case 5: RCC->AHB1ENR = 3; break;      //= W 40023830 3
    case 6: mode = (uint32_t)table_of(1); break;
    default: USART2->SR = 0; break;       //= W 40004400 0
    }
    TIM2->EGR = 1;                        //= W 40000014 1
}

/* A base out of a table in flash. */
void from_table(void)
{
    ((GPIO *)bases[1])->BSRRL = 0x8000;   //= W 40020418 8000
}

int table_of(int index)
{
    return config.levels[index][1] + (int)NVIC_ISER1; //= R e000e104
}

/* An odd name, as Rust gives them. */
__asm__(".pushsection .text\n"
        ".global _ZN8firmware4uart4Uart5write17h0123456789abcdefE\n"
        ".thumb_func\n"
        ".type _ZN8firmware4uart4Uart5write17h0123456789abcdefE, %function\n"
        "_ZN8firmware4uart4Uart5write17h0123456789abcdefE:\n"
        "bx lr\n"
        ".size _ZN8firmware4uart4Uart5write17h0123456789abcdefE, 2\n"
        ".popsection\n");

/* A tail that another function jumps into with another base: there the base is not known. */
__asm__(".pushsection .text\n"
        ".thumb_func\n"
        ".type owns_the_tail, %function\n"
        "owns_the_tail:\n"
        "ldr r3, =0x40011000\n"
        "movs r2, #1\n"
        "str r2, [r3, #12]\n"
        "shared_tail:\n"
        "str r2, [r3, #8]\n"
        "bx lr\n"
        ".size owns_the_tail, . - owns_the_tail\n"
        ".thumb_func\n"
        ".type borrows_the_tail, %function\n"
        "borrows_the_tail:\n"
        "ldr r3, =0x40004400\n"
        "movs r2, #2\n"
        "b shared_tail\n"
        ".size borrows_the_tail, . - borrows_the_tail\n"
        ".ltorg\n"
        ".popsection\n");

typedef void (*vector)(void);
extern uint32_t stack_top;

__attribute__((section(".isr_vector"), used)) const vector g_pfnVectors[] = {
    (vector)&stack_top, start, clock_init, 0, after_a_call, meet, from_table,
};
