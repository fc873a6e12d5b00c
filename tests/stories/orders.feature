Feature: Looking back

  Scenario: One's own orders, page by page
    Given a verified customer
    And a lamp at 100,000 of which there are 10
    And somebody else who bought 1 lamps
    And the customer bought lamps 5 times
    When the customer reads the orders 2 at a time
    Then the pages hold 2, 2, 1 orders, each page says that there are 5
    And they are the customer's own, the newest first
