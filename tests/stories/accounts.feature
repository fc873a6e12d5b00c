Feature: Who may buy

  Scenario: A mailbox that nobody has confirmed
    Given a verified customer
    And a lamp at 100,000 of which there are 5
    And a customer whose mailbox is not confirmed
    When the customer asks for 1 lamps by credit_card in 1 installments
    Then the shop refuses with 403, saying not_verified
    And the customer has no purchase

  Scenario: An account that was switched off signs in
    Given a verified customer
    When the account is switched off
    And the customer signs in
    Then the shop refuses with 403, saying inactive

  Scenario: An account that was switched off asks for new tokens
    Given a verified customer
    When the account is switched off
    And the customer asks for new tokens
    Then the shop refuses with 401, saying invalid_refresh_token
