Feature: Buying

  Background:
    Given a verified customer
    And a lamp at 100,000 of which there are 5

  Scenario: A purchase is approved
    When the customer buys 2 lamps by credit_card in 3 installments
    Then the steps are accepted, reserve, order, payment, completed
    And the order is APPROVED over 200,000
    And the payment is CAPTURED over 200,000
    And 3 lamps are left

  Scenario: The card is declined
    When the customer buys 2 lamps with a card that is declined
    Then the purchase fails because of card_declined
    And everything is undone
    And the order is CANCELED over 200,000
    And the payment is DECLINED over 200,000
    And 5 lamps are left

  Scenario: The total is above the limit
    Given the provider's limit is 300,000
    When the customer buys 4 lamps by credit_card in 1 installments
    Then the purchase fails because of limit_exceeded
    And everything is undone
    And 5 lamps are left

  Scenario Outline: The shop does not take the payment that is offered
    When the customer asks for 1 lamps by <method> in <installments> installments
    Then the shop refuses with 400, naming <field>
    And the customer has no purchase

    Examples:
      | method      | installments | field                |
      | barter      | 1            | payment              |
      | debit_card  | 2            | payment              |
      | credit_card | 13           | payment              |
      | credit_card | 0            | payment.installments |
