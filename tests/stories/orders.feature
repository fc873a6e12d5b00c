Feature: Looking back

  Scenario: One's own orders, page by page
    Given a verified customer
    And a lamp at 100,000 of which there are 10
    And somebody else who bought 1 lamps
    And the customer bought lamps 5 times
    When the customer reads the orders 2 at a time
    Then the pages hold 2, 2, 1 orders, each page says that there are 5
    And they are the customer's own, the newest first

  Scenario: What was bought is no longer sold
    Given a verified customer
    And a lamp at 100,000 of which there are 10
    And the customer bought lamps 1 times
    When the seller takes the lamps out of the shop
    Then the order still shows a lamp at 100,000
    And the lamps are shown no more, and cannot be bought
    When the customer buys 1 lamps by credit_card in 1 installments
    Then the purchase fails because of unknown_product
