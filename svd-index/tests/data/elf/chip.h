/* As much of an STM32F405 (RM0090) as the sources here touch. */
#include <stdint.h>

typedef struct {
    volatile uint32_t SR, DR, BRR, CR1, CR2, CR3, GTPR;
} USART;

typedef struct {
    volatile uint32_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR;
    volatile uint16_t BSRRL, BSRRH;
} GPIO;

typedef struct {
    volatile uint32_t CR, PLLCFGR, CFGR, CIR, AHBRSTR[4], APBRSTR[4], AHB1ENR, AHBENR[3];
    volatile uint32_t APB1ENR, APB2ENR;
} RCC_REGISTERS;

typedef struct {
    volatile uint32_t CR1, CR2, SMCR, DIER, SR, EGR, CCMR[2], CCER, CNT, PSC, ARR;
} TIMER;

#define TIM2 ((TIMER *)0x40000000)
#define USART2 ((USART *)0x40004400)
#define USART1 ((USART *)0x40011000)
#define GPIOA ((GPIO *)0x40020000)
#define GPIOB ((GPIO *)0x40020400)
#define RCC ((RCC_REGISTERS *)0x40023800)
#define FLASH_ACR (*(volatile uint32_t *)0x40023c00)
#define NVIC_ISER1 (*(volatile uint32_t *)0xe000e104)
